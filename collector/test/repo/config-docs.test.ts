import { expect, it } from 'vitest';
import { checkDoc, GENERATED_DOCS } from '../../scripts/generated-docs';

it.each(GENERATED_DOCS)(
  '$path is what its source says (else: npx tsx collector/scripts/generate-docs.ts)',
  async (doc) => {
    const { current, expected } = await checkDoc(doc);
    expect(current).toBe(expected);
  },
);
