import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOTHING_DONE } from '../../src/membership/keep-audience';
import { NOTHING_SENT } from '../../src/delivery/keep-deliveries';
import { createMetrics } from '../../src/metrics';
import { type Api, METRICS_TOKEN, openApi } from '../support/api';
import { readDocument } from '../support/documents';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** The value of a sample, e.g. `up{job="x"}`; undefined where there is none. */
async function sample(name: string): Promise<number | undefined> {
  const { body } = await api.call('GET', '/metrics', bearer(METRICS_TOKEN));
  const line = (body as string).split('\n').find((text) => text.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.split(' ')[1]);
}

const sourceId = async (): Promise<string> =>
  (await api.get('/v1/profiles/user:ada/timeline')).body.data[0].source.id as string;

describe('/metrics', () => {
  it('is for who has its token, and not for a secret key, which is one workspace’s', async () => {
    for (const key of ['wrong', api.secretKey, api.writeKey])
      expect((await api.call('GET', '/metrics', bearer(key))).status).toBe(401);
    const { status, headers } = await api.call('GET', '/metrics', bearer(METRICS_TOKEN));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('text/plain; version=0.0.4');
  });

  it('is not there where no token is set', async () => {
    const closed = await openApi({ metricsToken: null });
    const { status, body } = await closed.call('GET', '/metrics', bearer('undefined'));
    expect(status).toBe(404);
    expect(body.error.message).toContain('THROUGHLINE_METRICS_TOKEN');
    await closed.close();
  });

  it('counts what became of events, by source, and groups with their size and times', async () => {
    await api.batch([
      { type: 'page', userId: 'ada', messageId: 'one' },
      { type: 'page', userId: 'ada', messageId: 'two' },
      { type: 'page', userId: 'ada', messageId: 'one' },
      { type: 'unheard of', userId: 'ada' },
      { type: 'page' },
    ]);
    const source = await sourceId();
    expect(await sample(`throughline_events_total{source="${source}",verdict="accepted"}`)).toBe(2);
    expect(await sample(`throughline_events_total{source="${source}",verdict="duplicate"}`)).toBe(1);
    expect(await sample(`throughline_events_total{source="${source}",verdict="rejected"}`)).toBe(2);
    expect(await sample(`throughline_rejections_total{source="${source}",code="no_identity"}`)).toBe(1);
    expect(await sample('throughline_flush_events_sum')).toBe(5);
    expect(await sample('throughline_flush_duration_seconds_count')).toBe(1);
    expect(await sample('throughline_commit_latency_seconds_count')).toBe(1);
    expect(await sample('throughline_queue_events')).toBe(0);
    expect(await sample('throughline_bytes_in_flight_limit')).toBe(64 * 1024 * 1024);
  });

  it('counts requests by route and status, and unknown addresses as one', async () => {
    await api.get('/v1/profiles/user:ada');
    await api.get('/v1/profiles/user:nobody');
    for (const path of ['/nowhere', '/nowhere/else', '/v1']) await api.call('GET', path);
    const requests = 'throughline_http_requests_total{method="GET"';
    expect(await sample(`${requests},route="/v1/profiles/:id",status="200"}`)).toBe(1);
    expect(await sample(`${requests},route="/v1/profiles/:id",status="404"}`)).toBe(1);
    expect(await sample(`${requests},route="none",status="404"}`)).toBe(3);
    expect(await sample('throughline_http_request_duration_seconds_count{route="/v1/profiles/:id"}')).toBe(2);
  });

  it('tells how far ahead partitions are, once the worker has looked', async () => {
    expect(await sample('throughline_partitions_ahead_seconds')).toBeUndefined();
    api.clock.now = new Date('2031-01-15T12:00:00.000Z');
    await api.worker.tick();
    const end = Date.parse('2031-04-01T00:00:00.000Z');
    expect(await sample('throughline_partitions_ahead_seconds')).toBe((end - api.clock.now.getTime()) / 1000);
    // The events above came at a time for which nobody had made a partition.
    expect(await sample('throughline_default_partition_events')).toBe(2);
  });
});

describe('/health', () => {
  it('has the sums for everybody, and the sources for who has the token of the metrics', async () => {
    const open = await api.call('GET', '/health', { headers: {} });
    expect(open.body.ingest).toEqual({
      accepted: 2,
      duplicates: 1,
      rejected: 2,
      lastFlush: {
        events: 5,
        durationMs: expect.any(Number) as number,
        commitLatencyMs: expect.any(Number) as number,
      },
    });
    expect(open.body.queue).toMatchObject({ maxBytes: 64 * 1024 * 1024, writers: 2 });
    const { body } = await api.call('GET', '/health', bearer(METRICS_TOKEN));
    expect(body.ingest.sources).toEqual([{ id: await sourceId(), accepted: 2, duplicates: 1, rejected: 2 }]);
  });
});

const unwatched = () =>
  createMetrics({
    queue: () => ({
      ...{ waitingJobs: 0, waitingEvents: 0, oldestAgeMs: 0 },
      ...{ bytesInFlight: 0, maxBytes: 1, writing: 0, writers: 1 },
    }),
    pools: () => [],
    membership: () => NOTHING_DONE,
    deliveries: () => NOTHING_SENT,
    rebuilds: () => Promise.reject(new Error('The database is away')),
    upkeep: () => ({
      ...{ partitionsAheadSeconds: null, defaultPartitionEvents: null },
      ...{ droppedPartitions: 0, deletedEvents: 0 },
    }),
  });

describe('very many sources', () => {
  it('have series of their own up to a bound, and share one beyond it', async () => {
    const metrics = unwatched();
    for (let count = 0; count < 1000; count += 1) {
      const batch = { workspaceId: 'w', currency: 'USD', sourceId: `source ${count}`, receivedAt: 0 };
      metrics.onVerdicts(
        [{ ...batch, bytes: 0, items: [], normalised: [] }],
        [[{ status: 'accepted', messageId: 'm' }]],
      );
    }
    expect(metrics.bySource().size).toBe(201);
    expect(metrics.bySource().get('other')).toMatchObject({ accepted: 800 });
    const text = await metrics.render();
    expect(text).toContain('throughline_events_total{source="other",verdict="accepted"} 800');
    expect(text.split('\n').filter((line) => line.startsWith('throughline_events_total'))).toHaveLength(201);
  });
});

describe('docs/operations.md', () => {
  it('lists every metric of ours, and no other', () => {
    const listed = [...readDocument('docs/operations.md').matchAll(/^\| `(throughline_\w+)`/gm)].map(
      ([, name]) => name!,
    );
    const known = unwatched()
      .names()
      .filter((name) => name.startsWith('throughline_'));
    expect(listed.sort()).toEqual([...known].sort());
  });
});
