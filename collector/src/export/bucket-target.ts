import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  askBucket,
  type BucketAccess,
  type BucketAnswer,
  type BucketRequest,
  toRefusal,
} from './bucket-request';
import type { Target } from './target';

/** Opens what lies below an address of an S3-compatible bucket. Files are written on this machine first. */
export async function openBucketTarget(given: BucketAccess): Promise<Target> {
  const access = { ...given, url: given.url.endsWith('/') ? given.url : `${given.url}/` };
  const scratch = await mkdtemp(join(tmpdir(), 'throughline-export-'));
  /** @throws ExportError where the answer is none of those that are expected */
  const ask = async (request: BucketRequest, expected: readonly number[]): Promise<BucketAnswer> => {
    const answer = await askBucket(access, request);
    if (!expected.includes(answer.status)) throw toRefusal(access, request, answer);
    return answer;
  };
  const put = (path: string, text: string): BucketRequest => ({
    method: 'PUT',
    path,
    body: text,
    headers: { 'content-type': 'application/json' },
  });
  return {
    name: access.url,
    scratch,
    async read(path) {
      const request = { method: 'GET', path } as const;
      const answer = await ask(request, [200, 404]);
      if (answer.status === 200) return answer.text;
      // Without a bucket there is nothing to be written either.
      if (answer.text.includes('NoSuchBucket')) throw toRefusal(access, request, answer);
      return null;
    },
    replace: async (path, text) => void (await ask(put(path, text), [200])),
    async create(path, text) {
      const request = put(path, text);
      const once = { ...request, headers: { ...request.headers, 'if-none-match': '*' } };
      return (await ask(once, [200, 412])).status === 200;
    },
    publish: async (file, { path, bytes, sha256 }) =>
      void (await ask({ method: 'PUT', path, body: { file, bytes, sha256 } }, [200])),
    remove: async (path) => void (await ask({ method: 'DELETE', path }, [200, 204, 404])),
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}
