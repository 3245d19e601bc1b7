import { Type } from '@fastify/type-provider-typebox';
import type { Kysely } from 'kysely';
import { leavesOf, type Rule } from '../core/rule';
import { checkRule } from '../core/rule-check';
import { explainRule } from '../core/rule-explain';
import { hashRule } from '../core/rule-hash';
import { type Preview, PreviewTooSlow, previewRule } from '../db/audience-preview';
import { inWorkspace } from '../db/connect';
import { readProfiles } from '../db/profiles';
import type { Database } from '../db/tables';
import { ApiError } from '../errors';
import { InstantOut, Nullable, StrictObject } from '../schema';
import { sayWhy, WhySchema } from './audience-why';
import type { AddRoutes } from './context';

const MIN_TIME_MS = 100;
const MAX_TIME_MS = 10_000;
const DEFAULT_TIME_MS = 2_000;
/** Each may read all events there are; the other connections are for everybody else. */
const MAX_PREVIEWS = 2;

const EstimatedSchema = Type.Object(
  { value: Type.Integer(), low: Type.Integer(), high: Type.Integer() },
  { description: 'Of an estimate, the true number lies between low and high 95 times in 100.' },
);

const Texts = Type.Unsafe<readonly string[]>(Type.Array(Type.String()));
const ClauseSchema = Type.Object({
  path: Type.String({ description: 'Where it stands in the rule, such as rule.all[1].' }),
  text: Type.String({ description: 'What it asks, in English.' }),
  count: EstimatedSchema,
  needs: Type.Object(
    { events: Texts, traits: Texts, builtins: Texts, audiences: Texts, usesClock: Type.Boolean() },
    { description: 'What may change its answer: events by name, traits, built-in ones, audiences, time.' },
  ),
});

const FoundSchema = Type.Object({
  profileId: Type.String(),
  userId: Nullable(Type.String()),
  email: Nullable(Type.String()),
  anonymousId: Nullable(Type.String()),
  why: WhySchema,
});

const PreviewSchema = Type.Object({
  sentence: Type.String({ description: 'The rule in English.' }),
  hash: Type.String({ description: 'The same for rules that say the same.' }),
  isExact: Type.Boolean({ description: 'False where only some profiles could be looked at in time.' }),
  looked: Type.Integer({ description: 'At how many profiles it was looked.' }),
  profiles: Type.Integer({
    description: 'How many there are, by the database’s statistics where it is an estimate.',
  }),
  count: EstimatedSchema,
  clauses: Type.Array(ClauseSchema),
  sample: Type.Array(FoundSchema, { description: 'Up to 20 profiles that the rule finds.' }),
  at: InstantOut,
});

/** What a rule would find, before there is an audience of it. */
export const addAudiencePreview: AddRoutes = (app, { db, access, now }) => {
  let running = 0;
  app.post(
    '/v1/audiences/preview',
    {
      schema: {
        tags: ['audiences'],
        summary: 'What a rule would find: how many, of each clause too, some of them and why',
        description:
          'Nothing is stored. Counts are exact where all profiles can be looked at in time, else estimates from some.',
        body: StrictObject({
          rule: Type.Unknown({ description: 'As of an audience (docs/audiences.md).' }),
          timeLimitMs: Type.Integer({ minimum: MIN_TIME_MS, maximum: MAX_TIME_MS, default: DEFAULT_TIME_MS }),
        }),
        response: { 200: PreviewSchema },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { timeLimitMs } = request.body;
      const checked = checkRule(request.body.rule);
      if (!checked.ok) throw new ApiError('invalid_rule', undefined, checked.problems);
      const { rule } = checked;
      if (running >= MAX_PREVIEWS) {
        throw new ApiError('unavailable', 'Too many previews are running; ask again when one is done.');
      }
      running += 1;
      const at = now();
      const preview = await previewRule(db, { workspaceId, rule, now: at, timeLimitMs })
        .catch((error: unknown) => {
          if (!(error instanceof PreviewTooSlow)) throw error;
          throw new ApiError('too_slow', 'Not even a few profiles could be looked at in time; give it more.');
        })
        .finally(() => (running -= 1));
      return { ...say(rule, preview), sample: await readSample(db, { workspaceId, rule, preview }), at };
    },
  );
};

function say(rule: Rule, { clauses, isExact, looked, profiles, count }: Preview) {
  const { sentence, leaves } = explainRule(rule);
  return {
    ...{ sentence, hash: hashRule(rule), isExact, looked, profiles, count },
    clauses: leaves.map((leaf, index) => ({ ...leaf, count: clauses[index]! })),
  };
}

async function readSample(
  db: Kysely<Database>,
  { workspaceId, rule, preview }: { workspaceId: string; rule: Rule; preview: Preview },
) {
  const ids = preview.sample.map((row) => row.profile_id);
  const profiles = await inWorkspace(db, workspaceId, (transaction) =>
    readProfiles(transaction, workspaceId, ids),
  );
  const byId = new Map(profiles.map((profile) => [profile.id, profile]));
  const paths = leavesOf(rule).map(({ path }) => path);
  return preview.sample.flatMap(({ profile_id: profileId, why }) => {
    const profile = byId.get(profileId);
    // Erased since.
    if (profile === undefined) return [];
    const { userId, email, anonymousId } = profile;
    return [{ profileId, userId, email, anonymousId, why: sayWhy(paths, why) }];
  });
}
