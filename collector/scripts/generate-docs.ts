/** Rewrites the generated files and blocks: `npx tsx collector/scripts/generate-docs.ts`. */
import { writeFile } from 'node:fs/promises';
import { checkDoc, GENERATED_DOCS } from './generated-docs';

async function generateDocs(): Promise<void> {
  for (const doc of GENERATED_DOCS) {
    const { path, current, expected } = await checkDoc(doc);
    if (current !== expected) await writeFile(path, expected);
  }
}

generateDocs().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
