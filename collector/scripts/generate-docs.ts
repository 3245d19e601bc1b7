/** Rewrites the generated files and blocks: `npx tsx collector/scripts/generate-docs.ts`. */
import { writeFile } from 'node:fs/promises';
import { readGeneratedDocs } from './generated-docs';

async function generateDocs(): Promise<void> {
  for (const { path, current, expected } of await readGeneratedDocs()) {
    if (current !== expected) await writeFile(path, expected);
  }
}

generateDocs().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
