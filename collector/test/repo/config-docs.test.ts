import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { readGeneratedDocs } from '../../scripts/generated-docs';

it('the generated documents are what their sources say (else: npx tsx collector/scripts/generate-docs.ts)', async () => {
  const docs = await readGeneratedDocs();
  expect(docs.map(({ path }) => basename(path))).toEqual(
    expect.arrayContaining(['.env.example', 'README.md']),
  );
  for (const { path, current, expected } of docs) expect(current, path).toBe(expected);
});
