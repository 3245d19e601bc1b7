import { Type } from '@fastify/type-provider-typebox';
import { KEY_PATTERN, MAX_KEY_LENGTH } from '../core/audience-key';
import { MAX_URL_LENGTH } from '../core/webhook-address';
import { type Destination, findDestination } from '../db/destinations';
import { DELIVERY_STATES, type DeliveryState } from '../db/delivery-log';
import { ApiError } from '../errors';
import { InstantOut, Nullable, StrictObject } from '../schema';

export const MAX_BATCH = 500;
const MAX_AUDIENCES = 50;

export const DestinationParams = StrictObject({
  id: Type.String({ minLength: 1, maxLength: 100, description: 'A destination ID, or a key.' }),
});
export const DeliveryParams = StrictObject({
  ...DestinationParams.properties,
  deliveryId: Type.String({ format: 'uuid' }),
});
export const SecretParams = StrictObject({
  ...DestinationParams.properties,
  secretId: Type.String({ format: 'uuid' }),
});

const Name = Type.String({ minLength: 1, maxLength: 200, pattern: '\\S' });
const Audiences = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
  minItems: 1,
  maxItems: MAX_AUDIENCES,
  description: 'IDs or keys of audiences whose changes it is sent.',
});
const BatchSize = Type.Integer({
  minimum: 1,
  maximum: MAX_BATCH,
  description: 'Changes in a request at most; 1 sends each alone.',
});
const Url = Type.String({
  maxLength: MAX_URL_LENGTH,
  description: 'https, of the public internet, without a password in it.',
});
const Backfill = Type.Boolean({
  description: 'Whether those who are members now are sent first, as entered and with isBackfill.',
});
const SettableState = Type.Unsafe<'active' | 'paused'>({ type: 'string', enum: ['active', 'paused'] });

export const NewDestinationBody = StrictObject({
  name: Name,
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_KEY_LENGTH,
      pattern: KEY_PATTERN,
      description: 'Names the destination in addresses; made from the name where it is left out.',
    }),
  ),
  kind: Type.Optional(Type.Literal('webhook')),
  url: Url,
  audiences: Audiences,
  batchSize: Type.Optional(BatchSize),
  backfill: Type.Optional(Backfill),
  state: Type.Optional(SettableState),
});

export const ChangedDestinationBody = StrictObject({
  name: Type.Optional(Name),
  url: Type.Optional(Url),
  audiences: Type.Optional(Audiences),
  batchSize: Type.Optional(BatchSize),
  backfill: Type.Optional(Backfill),
  state: Type.Optional(SettableState),
});

const SecretSchema = Type.Object({ id: Type.String(), createdAt: InstantOut });
/** The only answer that has it. */
export const ShownSecretSchema = Type.Object({
  ...SecretSchema.properties,
  secret: Type.String({ description: 'whsec_… It is shown this once.' }),
});

export const DestinationSchema = Type.Object({
  id: Type.String(),
  key: Type.String(),
  name: Type.String(),
  kind: Type.Unsafe<'webhook'>({ type: 'string', enum: ['webhook'] }),
  url: Type.String(),
  batchSize: Type.Integer(),
  state: Type.Unsafe<Destination['state']>({
    type: 'string',
    enum: ['active', 'paused', 'gone'],
    description: 'gone: the receiver answered 410; nothing is sent until somebody makes it active.',
  }),
  createdAt: InstantOut,
  updatedAt: InstantOut,
  audiences: Type.Array(
    Type.Object({
      id: Type.String(),
      key: Type.String(),
      name: Type.String(),
      isBackfilling: Type.Boolean({ description: 'Members from before are still being sent.' }),
      behind: Type.Integer({ description: 'How many changes are yet to be sent.' }),
    }),
  ),
  secrets: Type.Array(SecretSchema),
  waiting: Type.Integer({
    description: 'Deliveries that were sent in vain, and wait for their next attempt.',
  }),
  dead: Type.Integer({ description: 'Deliveries that were given up, and can be sent again.' }),
  lastAttempt: Nullable(
    Type.Object({
      at: InstantOut,
      status: Nullable(Type.Integer()),
      error: Nullable(Type.String()),
    }),
  ),
});

export const CreatedDestinationSchema = Type.Intersect([
  DestinationSchema,
  Type.Object({ secret: ShownSecretSchema.properties.secret }),
]);

export const AttemptSchema = Type.Object({
  at: InstantOut,
  durationMs: Type.Integer(),
  status: Nullable(Type.Integer({ description: 'null: there was no answer.' })),
  error: Nullable(Type.String()),
  excerpt: Nullable(Type.String({ description: 'How the answer’s body began.' })),
});

export const DeliveryStateSchema = Type.Unsafe<DeliveryState>({
  type: 'string',
  enum: [...DELIVERY_STATES],
  description: 'empty: when it was to be sent, nothing was left of it.',
});

export const DeliverySchema = Type.Object({
  id: Type.String({ description: 'The webhook-id of each of its requests.' }),
  state: DeliveryStateSchema,
  createdAt: InstantOut,
  finishedAt: Nullable(InstantOut),
  nextAttemptAt: Nullable(InstantOut),
  attempts: Type.Integer(),
  parts: Type.Array(
    Type.Object({
      audience: Nullable(Type.String({ description: 'Its key; null: it is gone.' })),
      isBackfill: Type.Boolean(),
      fromChange: Type.String({ description: 'Behind this change,' }),
      toChange: Type.String({ description: 'up to this one.' }),
    }),
  ),
  lastAttempt: Nullable(AttemptSchema),
});

/**
 * The destination that an ID or a key stands for.
 *
 * @throws ApiError not_found
 */
export async function requireDestination(
  db: Parameters<typeof findDestination>[0],
  { workspaceId, reference }: { readonly workspaceId: string; readonly reference: string },
): Promise<Destination> {
  const destination = await findDestination(db, workspaceId, reference);
  if (destination === null) throw new ApiError('not_found', 'There is no destination with this ID or key.');
  return destination;
}
