import { type Static, Type } from '@fastify/type-provider-typebox';
import type { Kysely } from 'kysely';
import { storedIdOf } from '../core/message-id';
import { decideEmail, decideInTime, type Deciding, type Rule, sayWhy } from '../core/why';
import { inWorkspace } from '../db/connect';
import { listLinks } from '../db/links';
import { type NamedSubject, readNames } from '../db/subjects';
import type { Database } from '../db/tables';
import { type KnownEvent, readCountingClaims, readKnownEvents, readOwnerAt } from '../db/why';
import { ApiError } from '../errors';
import { EventTypeSchema, InstantOut, Nullable, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { NamedSchema } from './moves';
import { ProfileParams, requireProfile } from './profile-reference';

const WhyParams = StrictObject({
  ...ProfileParams.properties,
  messageId: Type.String({ minLength: 1, maxLength: 100, description: 'As it was sent.' }),
});

const EventSchema = Type.Object({
  messageId: Type.String(),
  type: EventTypeSchema,
  event: Nullable(Type.String()),
  occurredAt: InstantOut,
});

const ClaimSchema = Type.Object({
  messageId: Type.String(),
  at: InstantOut,
  // What retention has dropped still claims.
  type: Nullable(EventTypeSchema),
  userId: Nullable(Type.String()),
  email: Nullable(Type.String()),
  anonymousId: Nullable(Type.String()),
  previousId: Nullable(Type.String()),
});

const StepSchema = Type.Object({
  rule: Type.Unsafe<Rule>({
    type: 'string',
    enum: ['latest_claim', 'first_claim', 'first_user', 'link', 'kiosk'],
    description:
      'latest_claim: the last to sign in by then. first_claim: the first to sign in, later. first_user: of the email. ' +
      'link: by hand. kiosk: too many owners, so nobody’s.',
  }),
  from: NamedSchema,
  to: NamedSchema,
  claim: Nullable(ClaimSchema),
  link: Nullable(Type.Object({ id: Type.String(), linkedAt: InstantOut, linkedBy: Type.String() })),
});
type Step = Static<typeof StepSchema>;

const WhySchema = Type.Object({
  profileId: Type.String(),
  event: EventSchema,
  subject: NamedSchema,
  steps: Type.Array(StepSchema, {
    description: 'From whom it was sent under to whose it is; none: its own.',
  }),
  sentence: Type.String(),
});

/** Why an event is on a profile. */
export const addWhyRoute: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/profiles/:id/why/:messageId',
    {
      schema: {
        tags: ['profiles'],
        summary: 'Why an event is on a profile: which claim put it there',
        params: WhyParams,
        response: { 200: WhySchema },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { id: reference, messageId } = request.params;
      return inWorkspace(db, workspaceId, async (transaction) => {
        const profileId = await requireProfile(transaction, { workspaceId, reference });
        const stored = storedIdOf(messageId);
        const event = (await readKnownEvents(transaction, workspaceId, [stored])).get(stored);
        if (event === undefined) throw notThere();
        const at = event.occurredAt;
        const ownerId = await readOwnerAt(transaction, workspaceId, { subjectId: event.subjectId, at });
        if (ownerId !== profileId) throw notThere();
        return explain(transaction, { workspaceId, profileId, event });
      });
    },
  );
};

const notThere = (): ApiError => new ApiError('not_found', 'This profile has no such event.');

interface Asked {
  readonly workspaceId: string;
  readonly profileId: string;
  readonly event: KnownEvent;
}

async function explain(db: Kysely<Database>, asked: Asked): Promise<Static<typeof WhySchema>> {
  const { workspaceId, profileId, event } = asked;
  const reasons = await findReasons(db, asked);
  const lastId = reasons.at(-1)?.claim.strongerId ?? event.subjectId;
  const [link] = await listLinks(db, workspaceId, { limit: 1, after: null, sourceId: lastId });
  const ids = reasons.flatMap(({ claim }) => [claim.weakerId, claim.strongerId]);
  const names = await readNames(db, workspaceId, [event.subjectId, ...ids]);
  const said = await readKnownEvents(
    db,
    workspaceId,
    reasons.map(({ claim }) => claim.messageId),
  );
  const steps: Step[] = reasons.map(({ rule, claim }) => ({
    rule,
    from: names.get(claim.weakerId)!,
    to: names.get(rule === 'kiosk' ? claim.weakerId : claim.strongerId)!,
    claim: { ...(said.get(claim.messageId) ?? nothingSaid(claim.messageId)), at: new Date(claim.fromAt) },
    link: null,
  }));
  if (link !== undefined && link.target.id === profileId) {
    steps.push({ rule: 'link', from: link.source, to: link.target, claim: null, link });
  }
  const subject = names.get(event.subjectId)!;
  // Claims that erasure has released count no more: it is the subject's own again.
  if ((steps.at(-1)?.to.id ?? event.subjectId) !== profileId) steps.length = 0;
  return { profileId, event, subject, steps, sentence: sayWhy(nameOf(subject), steps.map(spoken)) };
}

/** The claims that decide: on the event's subject, and on the email that it belongs to. */
async function findReasons(
  db: Kysely<Database>,
  { workspaceId, event }: Asked,
): Promise<readonly Deciding[]> {
  const { subjectId, occurredAt } = event;
  const claims = await readCountingClaims(db, workspaceId, subjectId);
  if (claims.length === 0) return [];
  const kinds = await readNames(db, workspaceId, [subjectId]);
  if (kinds.get(subjectId)?.kind === 'email') return [decideEmail(claims)!];
  const owners = new Map(claims.map((claim) => [claim.strongerId, claim.ownerId]));
  const first = decideInTime(claims, occurredAt.getTime(), { ownerOf: (id) => owners.get(id) ?? id })!;
  if (first.rule === 'kiosk') return [first];
  const second = decideEmail(await readCountingClaims(db, workspaceId, first.claim.strongerId));
  return second === null ? [first] : [first, second];
}

const nothingSaid = (messageId: string) => ({
  messageId,
  type: null,
  userId: null,
  email: null,
  anonymousId: null,
  previousId: null,
});

const nameOf = ({ kind, value }: Pick<NamedSubject, 'kind' | 'value'>): string => `${kind}:${value}`;

const spoken = ({ rule, from, to, claim, link }: Step) => ({
  rule,
  from: nameOf(from),
  to: nameOf(to),
  at: claim?.at ?? link!.linkedAt,
});
