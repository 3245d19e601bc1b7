/** The README's lines for other people's clients: tests run these, so that what it shows is what works. */
import { blocksOf, readDocument } from './documents';

/** The block with this name, sending to a collector of the test's. */
export function clientCode(name: string, { url, writeKey }: { url: string; writeKey: string }): string {
  const block = blocksOf(readDocument('README.md')).find(({ info }) => info === `js ${name}`);
  if (block === undefined) throw new Error(`The README shows nothing for ${name}.`);
  const code = block.text
    .replaceAll('http://127.0.0.1:3000', url)
    .replaceAll('127.0.0.1:3000', new URL(url).host)
    .replaceAll('pk_…', writeKey);
  if (!code.includes(url) && !code.includes(new URL(url).host)) throw new Error(`${name} is sent nowhere.`);
  return code;
}
