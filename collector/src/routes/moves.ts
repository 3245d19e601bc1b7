import { Type } from '@fastify/type-provider-typebox';
import type { Kysely } from 'kysely';
import { inWorkspace } from '../db/connect';
import { type NamedSubject, readNames } from '../db/subjects';
import type { Database } from '../db/tables';
import type { Transfer } from '../db/transfers';
import { IdentifierKindSchema, StrictObject } from '../schema';

/** Either of two things that a change by hand is about. */
export const Reference = Type.String({
  minLength: 1,
  maxLength: 300,
  description: 'user:…, email:…, anonymous:…, or an ID.',
});

export const NamedSchema = Type.Object({
  id: Type.String(),
  kind: IdentifierKindSchema,
  value: Type.String(),
});

export const MovesSchema = Type.Array(
  Type.Object({
    from: NamedSchema,
    to: NamedSchema,
    events: Type.Integer(),
    pages: Type.Integer(),
    orders: Type.Integer(),
    revenue: Type.Record(Type.String(), Type.String(), { description: 'Exact decimals by currency.' }),
  }),
  { description: 'What goes from one profile to another, most events first.' },
);

export const PreviewSchema = Type.Object({ moves: MovesSchema });

export const PreviewQuery = StrictObject({
  preview: Type.Boolean({ default: false, description: 'Only says what would move.' }),
});

export interface ShownMove extends Pick<Transfer, 'events' | 'pages' | 'orders' | 'revenue'> {
  readonly from: NamedSubject;
  readonly to: NamedSubject;
}

/** Transfers with the names of both ends. */
export async function showMoves(
  db: Kysely<Database>,
  workspaceId: string,
  transfers: readonly Transfer[],
): Promise<ShownMove[]> {
  const ids = [...new Set(transfers.flatMap(({ fromId, toId }) => [fromId, toId]))];
  if (ids.length === 0) return [];
  const names = await inWorkspace(db, workspaceId, (transaction) => readNames(transaction, workspaceId, ids));
  return transfers.map(({ fromId, toId, ...sums }) => ({
    from: names.get(fromId)!,
    to: names.get(toId)!,
    ...sums,
  }));
}
