import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/core/warehouse-run';
import { openBucketTarget } from '../../src/export/bucket-target';
import { type Api, openApi } from '../support/api';
import { type Bucket, BUCKET_KEY, BUCKET_REGION, openBucketServer, signatureOf } from '../support/bucket';

let bucket: Bucket;
let api: Api;
beforeEach(async () => {
  bucket = await openBucketServer();
  api = await openApi({
    exportPlaces: {
      ...{ exportBucketUrl: bucket.url, exportBucketRegion: BUCKET_REGION },
      ...{ exportAccessKeyId: BUCKET_KEY.id, exportSecretAccessKey: BUCKET_KEY.secret },
    },
  });
});
afterEach(async () => {
  await api.close();
  await bucket.close();
});

const open = (more: { url?: string; region?: string; accessKeyId?: string; secretAccessKey?: string } = {}) =>
  openBucketTarget({
    ...{ url: bucket.url, region: BUCKET_REGION, accessKeyId: BUCKET_KEY.id },
    ...{ secretAccessKey: BUCKET_KEY.secret, ...more },
  });

async function sendPages(...names: string[]): Promise<void> {
  await api.batch(names.map((name) => ({ type: 'page', name, messageId: name, anonymousId: 'device' })));
  api.clock.now = new Date(api.clock.now.getTime() + 60_000);
}

async function exportNow() {
  const { body } = await api.call('POST', '/v1/exports', { body: { format: 'ndjson' } });
  await api.worker.exports.work();
  return (await api.get(`/v1/exports/${body.id}`)).body;
}

const textOf = (path: string): string =>
  bucket.objects.get(`exports/${api.workspaceId}/${path}`)?.toString() ?? '';

/** What the complete runs have, checked against their manifests; nothing else is in the bucket. */
function namesInBucket(runs: number): unknown[] {
  const named = ['throughline.json'];
  const names = Array.from({ length: runs }, (_, index) => {
    const path = `manifests/${String(index + 1).padStart(6, '0')}.json`;
    const { files } = JSON.parse(textOf(path)) as Manifest;
    named.push(path, ...files.map((file) => file.path));
    for (const file of files) {
      const sha256 = createHash('sha256').update(textOf(file.path)).digest('hex');
      expect([file.path, sha256]).toEqual([file.path, file.sha256]);
    }
    const lines = files.filter(({ table }) => table === 'events').map((file) => textOf(file.path));
    return lines
      .join('')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { name: string }).name);
  });
  const keys = [...bucket.objects.keys()].map((key) => key.slice(`exports/${api.workspaceId}/`.length));
  expect(keys.sort()).toEqual(named.sort());
  return names.flat().sort();
}

describe('the bucket of the tests', () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
  it('checks signatures as Amazon’s own examples have them', () => {
    const example = {
      ...{
        date: '20130524T000000Z',
        region: 'us-east-1',
        secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      },
    };
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const get = signatureOf({
      ...{ ...example, method: 'GET', path: '/test.txt', payload: empty },
      names: ['host', 'range', 'x-amz-content-sha256', 'x-amz-date'],
      headers: {
        ...{ host: 'examplebucket.s3.amazonaws.com', range: 'bytes=0-9', 'x-amz-content-sha256': empty },
        'x-amz-date': example.date,
      },
    });
    expect(get).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
    const payload = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
    const put = signatureOf({
      ...{ ...example, method: 'PUT', path: '/test%24file.text', payload },
      names: ['date', 'host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-storage-class'],
      headers: {
        ...{ date: 'Fri, 24 May 2013 00:00:00 GMT', host: 'examplebucket.s3.amazonaws.com' },
        ...{ 'x-amz-content-sha256': payload, 'x-amz-date': example.date },
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      },
    });
    expect(put).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
  });
});

describe('an export into a bucket', () => {
  it('has every event once, run after run, and the manifest last', async () => {
    await sendPages('a', 'b');
    const done = await exportNow();
    expect(done).toMatchObject({ status: 'done', target: 'bucket', progress: { run: 1, rows: 4 } });
    await sendPages('c');
    await exportNow();
    expect(namesInBucket(2)).toEqual(['a', 'b', 'c']);
    const puts = bucket.requests.filter((request) => request.startsWith('PUT'));
    expect(puts.slice(-2).map((request) => request.split('/').slice(-2).join('/'))).toEqual([
      'manifests/000002.json',
      `${api.workspaceId}/throughline.json`,
    ]);
  });

  it('tries again while the bucket fails, and where it goes on failing says so and is taken up', async () => {
    await sendPages('a');
    bucket.failNext(500, 503, 429);
    expect((await exportNow()).status).toBe('done');
    await sendPages('b');
    // Before anything, in the middle, and at the end.
    for (const after of [1, 3, 6]) {
      let puts = 0;
      bucket.onPut = () => {
        if ((puts += 1) === after) bucket.failNext(500, 500, 500, 500, 500);
      };
      const { status, error } = await exportNow();
      bucket.onPut = () => undefined;
      expect([status, error]).toEqual([
        'failed',
        `The bucket at ${bucket.url}${api.workspaceId}/ answers 500 InternalError.`,
      ]);
    }
    expect((await exportNow()).progress).toMatchObject({ run: 2, isResumed: true });
    expect(namesInBucket(2)).toEqual(['a', 'b']);
  }, 120_000);

  it('says what is wrong with its credentials, region or name, and never what they are', async () => {
    const told = async (more: Parameters<typeof open>[0]): Promise<string> => {
      const target = await open(more);
      const error = await target.replace('x.json', '{}').catch((cause: Error) => cause);
      await target.close();
      return (error as Error).message;
    };
    const secretAccessKey = 'not-the-secret-of-this-key';
    const messages = [
      await told({ secretAccessKey }),
      await told({ accessKeyId: 'AKIDOFNOBODY' }),
      await told({ region: 'us-east-1' }),
      await told({ url: bucket.url.replace('/exports/', '/none/') }),
    ];
    expect(messages).toEqual([
      expect.stringMatching(
        / answers 403 SignatureDoesNotMatch: check the access key and its secret, the region/,
      ),
      expect.stringMatching(/ answers 403 InvalidAccessKeyId: check the access key/),
      expect.stringMatching(/ answers 400 AuthorizationHeaderMalformed/),
      expect.stringMatching(/ answers 404 NoSuchBucket: there is no such bucket\.$/),
    ]);
    expect(messages.join('')).not.toMatch(/AKID|secret-of|EXAMPLEKEY/);
    const target = await open({ url: bucket.url.replace('/exports/', '/none/') });
    await expect(target.read('x.json')).rejects.toThrow('there is no such bucket');
    await target.close();
  });

  it('needs credentials, which are settings', async () => {
    const bare = await openApi({ exportPlaces: { exportBucketUrl: bucket.url } });
    const { body } = await bare.call('POST', '/v1/exports', { body: {} });
    await bare.worker.exports.work();
    expect((await bare.get(`/v1/exports/${body.id}`)).body).toMatchObject({
      ...{ status: 'failed', error: expect.stringContaining('THROUGHLINE_EXPORT_SECRET_ACCESS_KEY') },
    });
    await bare.close();
  });

  it('writes a manifest once: a second one does not take its place', async () => {
    const target = await open();
    expect([await target.create('m.json', '1'), await target.create('m.json', '2')]).toEqual([true, false]);
    expect(await target.read('m.json')).toBe('1');
    expect(await target.read('none.json')).toBeNull();
    await target.remove('m.json');
    await target.remove('m.json');
    expect(await target.read('m.json')).toBeNull();
    await target.close();
  });
});
