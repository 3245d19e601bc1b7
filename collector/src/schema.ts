import { type TProperties, type TSchema, Type } from '@fastify/type-provider-typebox';
import { EVENT_TYPES, type EventType } from './core/event';

/** Shapes that several routes share; OpenAPI is generated from them. */

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const StrictObject = <T extends TProperties>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

export const Instant = Type.String({ format: 'date-time', description: 'RFC 3339' });
/** What the serialiser is given is a Date. */
export const InstantOut = Type.Unsafe<Date>({ type: 'string', format: 'date-time' });
export const AnyObject = Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true });

export const ErrorBody = Type.Object({
  error: Type.Object({ code: Type.String(), message: Type.String(), detail: Type.Optional(Type.Unknown()) }),
});

export const pageOf = <T extends TSchema>(item: T) =>
  Type.Object({ data: Type.Array(item), nextCursor: Nullable(Type.String()) });

/** `limit` and `cursor` of every list. */
export const PageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
  cursor: Type.Optional(Type.String({ maxLength: 500 })),
};

export const IdentifierKindSchema = Type.Union([
  Type.Literal('user'),
  Type.Literal('email'),
  Type.Literal('anonymous'),
]);
export const EventTypeSchema = Type.Unsafe<EventType>({ type: 'string', enum: [...EVENT_TYPES] });

const NullableText = Nullable(Type.String());
const LastPageSchema = Type.Object(
  { url: NullableText, path: NullableText, title: NullableText, name: NullableText, at: InstantOut },
  { description: 'The last page call.' },
);
const CampaignSchema = Type.Object(
  {
    source: NullableText,
    medium: NullableText,
    name: NullableText,
    term: NullableText,
    content: NullableText,
    at: InstantOut,
  },
  { description: 'The first campaign (utm parameters) that an event carried.' },
);

export const ProfileSchema = Type.Object({
  id: Type.String(),
  userId: Nullable(Type.String()),
  email: Nullable(Type.String()),
  anonymousId: Nullable(Type.String()),
  traits: AnyObject,
  firstSeenAt: InstantOut,
  lastSeenAt: InstantOut,
  events: Type.Integer(),
  pages: Type.Integer(),
  orders: Type.Integer(),
  revenue: Type.Record(Type.String(), Type.String(), {
    description: 'Exact decimals by currency (ISO 4217); refunds are subtracted.',
  }),
  lastPage: Nullable(LastPageSchema),
  firstCampaign: Nullable(CampaignSchema),
  firstReferrer: Nullable(
    Type.Object(
      { url: Type.String(), at: InstantOut },
      { description: 'The first page of another site from which this person came.' },
    ),
  ),
});

const IdentifierSchema = Type.Object({ kind: IdentifierKindSchema, value: Type.String() });
const SourceSchema = Type.Object({ id: Type.String(), name: Nullable(Type.String()) });

const WarningSchema = Type.Object({
  code: Type.String({ description: 'docs/errors.md lists them.' }),
  events: Type.Optional(Type.Integer({ description: 'How many events were flagged so, of the latest.' })),
  lastAt: Type.Optional(InstantOut),
  identifier: Type.Optional(IdentifierSchema),
  profiles: Type.Optional(
    Type.Integer({ description: 'How many profiles the identifier belongs or belonged to.' }),
  ),
});

const TraitDetailSchema = Type.Object({
  trait: Type.String(),
  value: Type.Unsafe<unknown>({ description: 'null: removed.' }),
  isOnce: Type.Boolean({ description: 'Said in traits.$once.' }),
  isShown: Type.Boolean({ description: 'Whether it stands in traits.' }),
  at: InstantOut,
  messageId: Type.String({ description: 'The identify call that said it.' }),
  source: Nullable(SourceSchema),
});

export const ProfileDetailSchema = Type.Intersect([
  ProfileSchema,
  Type.Object({
    requestedId: Type.String({ description: 'The ID of what was asked for.' }),
    redirected: Type.Boolean({
      description: 'Whether what was asked for belongs to another profile now, which is this one.',
    }),
    identifiers: Type.Array(
      Type.Intersect([
        IdentifierSchema,
        Type.Object({
          intervals: Type.Array(Type.Object({ from: Nullable(InstantOut), to: Nullable(InstantOut) }), {
            description:
              'When what happened under it is this profile’s: from, until before to; null is open.',
          }),
        }),
      ]),
      { description: 'At most 1,000.' },
    ),
    identifierCount: Type.Integer(),
    audiences: Type.Array(
      Type.Object({ id: Type.String(), key: Type.String(), name: Type.String(), enteredAt: InstantOut }),
    ),
    warnings: Type.Array(WarningSchema),
    traitDetails: Type.Optional(Type.Array(TraitDetailSchema)),
  }),
]);

export const ShownEventSchema = Type.Object({
  messageId: Type.String(),
  type: EventTypeSchema,
  event: Nullable(Type.String()),
  occurredAt: InstantOut,
  receivedAt: InstantOut,
  userId: Nullable(Type.String()),
  email: Nullable(Type.String()),
  anonymousId: Nullable(Type.String()),
  via: Type.Object({ kind: IdentifierKindSchema, value: Type.String() }),
  properties: Nullable(AnyObject),
  traits: Nullable(AnyObject),
  context: Type.Optional(Nullable(AnyObject)),
  source: Type.Object({ id: Type.String(), name: Nullable(Type.String()) }),
});

export const VerdictCounts = Type.Object({
  accepted: Type.Integer(),
  duplicates: Type.Integer(),
  suppressed: Type.Optional(
    Type.Integer({
      description:
        'With a secret key: those that a regulation keeps out. A write key is told that they were accepted.',
    }),
  ),
  rejected: Type.Array(
    Type.Object({
      index: Type.Integer(),
      messageId: Nullable(Type.String()),
      code: Type.String(),
      message: Type.String(),
    }),
  ),
});

export const SingleVerdict = Type.Object({
  status: Type.Union([Type.Literal('accepted'), Type.Literal('duplicate'), Type.Literal('suppressed')]),
  messageId: Type.String(),
  profileId: Type.Optional(Nullable(Type.String())),
});

/** A line of an import's answer: progress, or with `done` or `error` the last one. */
export const ImportLine = Type.Object({
  done: Type.Optional(Type.Literal(true)),
  error: Type.Optional(ErrorBody.properties.error),
  lines: Type.Integer({ description: 'Number of the last line that is done, blank ones counted.' }),
  bytes: Type.Integer({ description: 'How much of the body is done, as it was sent.' }),
  accepted: Type.Integer(),
  duplicates: Type.Integer(),
  rejected: Type.Integer(),
  suppressed: Type.Optional(Type.Integer({ description: 'Those that a regulation keeps out.' })),
  firstRejected: Type.Optional(
    Type.Array(
      Type.Object({
        line: Type.Integer(),
        messageId: Nullable(Type.String()),
        code: Type.String(),
        message: Type.String(),
      }),
      { description: 'In the last line: up to 20 refusals. All of them are kept as bad rows.' },
    ),
  ),
});
