import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
  await api.call('POST', '/v1/audiences', {
    body: { name: 'VIP', key: 'vip', rule: { trait: '$revenue', gte: 100 } },
  });
});
afterAll(() => api.close());

const post = (path: string, body: unknown) => api.call('POST', path, { body });
const put = (path: string, body: unknown) => api.call('PUT', path, { body });
/** However slow the machine is. */
const PATIENT = { timeLimitMs: 5_000 };
const payloadOf = async (decision: string) =>
  (await post('/v1/decide', { decision, userId: 'anybody', ...PATIENT })).body.payload;

describe('the versions of a decision', () => {
  it('never change: each one that is written answers at once, and one from before may answer again', async () => {
    const created = await post('/v1/decisions', { name: 'Banner', cases: [{ then: 'one' }] });
    expect([created.status, created.body]).toMatchObject([
      201,
      { key: 'banner', version: 1, lastVersion: 1, timeLimitMs: 250, public: false, record: false },
    ]);
    expect(await payloadOf('banner')).toBe('one');
    const changed = await put('/v1/decisions/banner', { cases: [{ then: 'two' }], timeLimitMs: 90 });
    expect([changed.status, changed.body]).toMatchObject([
      200,
      { version: 2, lastVersion: 2, name: 'Banner' },
    ]);
    expect(await payloadOf('banner')).toBe('two');

    const back = await post('/v1/decisions/banner/activate', { version: 1 });
    expect(back.body).toMatchObject({ version: 1, lastVersion: 2, timeLimitMs: 250 });
    expect(await payloadOf(created.body.id)).toBe('one');
    const third = await put('/v1/decisions/banner', { name: 'Sign', cases: [{ then: 'three' }] });
    expect(third.body).toMatchObject({ key: 'banner', name: 'Sign', version: 3, lastVersion: 3 });

    const { body: versions } = await api.get('/v1/decisions/banner/versions?limit=2');
    expect(versions.data).toMatchObject([
      { version: 3, isActive: true, cases: [{ key: 'default', when: null, then: 'three' }] },
      { version: 2, isActive: false, cases: [{ then: 'two' }], createdBy: expect.stringMatching(/^key:/) },
    ]);
    const rest = await api.get(`/v1/decisions/banner/versions?limit=2&cursor=${versions.nextCursor}`);
    expect(rest.body).toMatchObject({ data: [{ version: 1, cases: [{ then: 'one' }] }], nextCursor: null });
    expect((await api.get('/v1/decisions/banner/versions/2')).body).toMatchObject({
      cases: [{ then: 'two' }],
    });
    expect((await api.get('/v1/decisions/banner/versions/4')).status).toBe(404);
    expect((await post('/v1/decisions/banner/activate', { version: 4 })).status).toBe(404);
  });

  it('answer each by its number, also where they change while many ask', async () => {
    await post('/v1/decisions', { name: 'Moving', key: 'moving', cases: [{ then: 1 }] });
    const seen: { version: number; payload: number }[] = [];
    const asking = Array.from({ length: 50 }, async () => {
      const { status, body } = await post('/v1/decide', { decision: 'moving', ...PATIENT });
      expect(status).toBe(200);
      seen.push(body);
    });
    const writing = (async () => {
      for (let version = 2; version <= 6; version += 1)
        expect((await put('/v1/decisions/moving', { cases: [{ then: version }] })).status).toBe(200);
    })();
    const sending = Array.from({ length: 20 }, () => api.batch([{ type: 'page', userId: 'busy' }]));
    await Promise.all([...asking, writing, ...sending]);
    expect(seen).toHaveLength(50);
    for (const { version, payload } of seen) expect(payload).toBe(version);
    expect(await payloadOf('moving')).toBe(6);
  });

  it('are not written over one that their writer has not seen, where they say which they have', async () => {
    await post('/v1/decisions', { name: 'Shared', key: 'shared', cases: [{ then: 1 }] });
    const write = (then: string, basedOn: number) =>
      put('/v1/decisions/shared', { cases: [{ then }], basedOn });
    expect((await write('hers', 1)).body).toMatchObject({ version: 2 });
    const late = await write('his', 1);
    expect([late.status, late.body.error]).toMatchObject([
      409,
      { code: 'decision_changed', message: 'Version 2 has been written since version 1.' },
    ]);
    expect((await write('his', 3)).body.error).toMatchObject({ message: 'There is no version 3 yet.' });
    expect(await payloadOf('shared')).toBe('hers');
    // One that answers again is no new version.
    await post('/v1/decisions/shared/activate', { version: 1 });
    const both = await Promise.all([write('his', 2), write('hers again', 2)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect((await put('/v1/decisions/shared', { cases: [{ then: 4 }] })).body).toMatchObject({ version: 4 });
  });

  it('are gone with the decision', async () => {
    await post('/v1/decisions', { name: 'Brief', key: 'brief', cases: [{ then: 'old' }] });
    expect(await payloadOf('brief')).toBe('old');
    expect((await api.call('DELETE', '/v1/decisions/brief')).status).toBe(204);
    expect((await post('/v1/decide', { decision: 'brief' })).status).toBe(404);
    expect((await api.call('DELETE', '/v1/decisions/brief')).status).toBe(404);
    await post('/v1/decisions', { name: 'Brief', key: 'brief', cases: [{ then: 'new' }] });
    expect(await payloadOf('brief')).toBe('new');
  });
});

describe('what decisions there are', () => {
  it('is a list in pages, each said in English', async () => {
    for (const key of ['listed-1', 'listed-2']) {
      api.clock.now = new Date(api.clock.now.getTime() + 1_000);
      await post('/v1/decisions', {
        ...{ name: key, key },
        cases: [
          {
            key: 'vip',
            when: { all: [{ audience: 'vip' }, { trait: '$context.cart.total', gt: 5 }] },
            then: 1,
          },
          { then: 2 },
        ],
      });
    }
    const { body: first } = await api.get('/v1/decisions?limit=1');
    const { body: second } = await api.get(`/v1/decisions?limit=1&cursor=${first.nextCursor}`);
    expect([...first.data, ...second.data].map(({ key }) => key).sort()).toEqual(['listed-1', 'listed-2']);
    expect(
      (await api.get('/v1/decisions/listed-1')).body.cases.map((each: { sentence: string }) => each.sentence),
    ).toEqual([
      'If the profile is in the audience “vip” and “cart.total” of the context is more than 5.',
      'Otherwise.',
    ]);
  });

  it('has each key once', async () => {
    const again = { name: 'Twice', cases: [{ then: 1 }] };
    expect((await post('/v1/decisions', again)).status).toBe(201);
    const { status, body } = await post('/v1/decisions', again);
    expect([status, body.error.code]).toEqual([409, 'key_taken']);
  });
});

describe('an audience that a decision names', () => {
  it('cannot be deleted while the version that answers names it, nor be named once it is gone', async () => {
    const { body: audience } = await post('/v1/audiences', { name: 'Named', rule: { trait: 'a', eq: 1 } });
    const cases = [{ when: { not: { audience: 'named' } }, then: 1 }, { then: 2 }];
    await post('/v1/decisions', { name: 'Naming', cases });
    const refused = await api.call('DELETE', `/v1/audiences/${audience.id}`);
    expect([refused.status, refused.body.error]).toMatchObject([
      409,
      { code: 'audience_in_use', detail: ['naming'] },
    ]);
    await put('/v1/decisions/naming', { cases: [{ then: 3 }] });
    expect((await api.call('DELETE', `/v1/audiences/${audience.id}`)).status).toBe(204);
    const back = await post('/v1/decisions/naming/activate', { version: 1 });
    expect([back.status, back.body.error]).toMatchObject([
      400,
      { code: 'invalid_decision', detail: [{ path: 'cases[0].when.not.audience' }] },
    ]);
    expect(await payloadOf('naming')).toBe(3);
  });
});

describe('a definition', () => {
  const DEFAULT = { then: 0 };
  const when = (rule: unknown) => ({ cases: [{ when: rule, then: 1 }, DEFAULT] });
  const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

  it.each([
    [{}, 'cases', /list of 1 to 50 cases/],
    [{ cases: [] }, 'cases', /the default/],
    [{ cases: Array.from({ length: 51 }, () => DEFAULT) }, 'cases', /1 to 50/],
    [{ cases: [1] }, 'cases[0]', /must be a case/],
    [{ cases: [DEFAULT, DEFAULT] }, 'cases[0].when', /only the last case/],
    [{ cases: [{ when: { audience: 'vip' }, then: 1 }] }, 'cases[0].when', /always holds/],
    [{ cases: [{ ...DEFAULT, otherwise: 1 }] }, 'cases[0].otherwise', /not known here/],
    [{ cases: [{}] }, 'cases[0].then', /any JSON/],
    [{ cases: [{ key: 'No', then: 1 }] }, 'cases[0].key', /lower-case/],
    [
      {
        cases: [
          { key: 'a', when: { audience: 'vip' }, then: 1 },
          { key: 'a', then: 2 },
        ],
      },
      'cases[1].key',
      /differ/,
    ],
    [{ cases: [{ then: 'x'.repeat(17_000) }] }, 'cases[0].then', /at most 16384 bytes/],
    [{ cases: [{ then: nested(40) }] }, 'cases[0].then', /levels deep/],
    [{ cases: [{ then: 'a\u0000' }] }, 'cases[0].then', /NUL/],
    [when({ audience: 'never' }), 'cases[0].when.audience', /there is none with "never"/],
    [when({ event: 'Order Completed' }), 'cases[0].when.event', /make an audience of it/],
    [when({ any: [{ trait: '$contxt.x', eq: 1 }] }), 'cases[0].when.any[0].trait', /\$context\.cart\.total/],
    [when({ trait: '$context.', eq: 1 }), 'cases[0].when.trait', /must be a path/],
    [when({ trait: '$context.x' }), 'cases[0].when', /compared with/],
    [when({ trait: '$context.x', gte: 'much' }), 'cases[0].when.gte', /must be a number/],
    [when({ all: Array.from({ length: 101 }, () => ({ audience: 'vip' })) }), 'cases[0].when', /at most 100/],
    [{ cases: [DEFAULT], timeLimitMs: 4 }, 'timeLimitMs', /5 to 5000/],
    [{ cases: [DEFAULT], public: 'yes' }, 'public', /true or false/],
    [{ cases: [DEFAULT], record: 1 }, 'record', /true or false/],
  ])('that is wrong is refused with the place and what would be valid: %j', async (body, path, message) => {
    const answer = await post('/v1/decisions', { name: 'Wrong', key: 'wrong', ...body });
    expect([answer.status, answer.body.error?.code ?? answer.body]).toEqual([400, expect.any(String)]);
    if (answer.body.error.code === 'invalid_request') return expect([path, body]).toEqual(['cases', {}]);
    expect(answer.body.error.code).toBe('invalid_decision');
    const problems = answer.body.error.detail as { path: string; message: string }[];
    expect(problems.filter((problem) => problem.path === path && message.test(problem.message))).toHaveLength(
      1,
    );
    expect((await api.get('/v1/decisions/wrong')).status).toBe(404);
  });

  it('may ask for what a profile is, in how many ways rules have', async () => {
    const rules = [
      { min_total_spend: 5 },
      { any: [{ trait: '$last_seen', before: '30d' }, { not: { bucket: [0, 1], salt: 'a' } }] },
    ];
    for (const [index, rule] of rules.entries()) {
      const { status, body } = await post('/v1/decisions', { name: `Wide ${index}`, ...when(rule) });
      expect([status, body.error]).toEqual([201, undefined]);
    }
  });

  it('may not be asked of an audience: its members have no context', async () => {
    const { status, body } = await post('/v1/audiences', {
      ...{ name: 'Contextual', rule: { not: { trait: '$context.cart.total', gte: 1 } } },
    });
    expect([status, body.error.detail]).toEqual([
      400,
      [{ path: 'rule.not.trait', message: expect.stringContaining('decisions only') }],
    ]);
  });
});
