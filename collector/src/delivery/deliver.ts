/** Sends what one destination is to be sent, one after the other. */
import type { FastifyBaseLogger } from 'fastify';
import type { Kysely } from 'kysely';
import { webhookBodyOf } from '../core/webhook-body';
import { type Fate, decideFate } from '../core/webhook-retry';
import { signWebhook } from '../core/webhook-signature';
import {
  endEmpty,
  endLease,
  type Lease,
  noteAttempt,
  type Outgoing,
  takeLease,
  takeNext,
} from '../db/deliveries';
import type { DestinationReference } from '../db/destinations';
import type { Database } from '../db/tables';
import type { WebhookAnswer, Webhooks } from './send-webhook';

export interface DeliveryOptions {
  readonly db: Kysely<Database>;
  readonly now: () => Date;
  readonly log: Pick<FastifyBaseLogger, 'error'>;
  readonly webhooks: Webhooks;
  readonly newId: () => string;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** Then others have their turn. */
const TURNS_IN_A_ROW = 20;
/** Of a lease of 30 seconds: a process that stood still for longer leaves the delivery to who has the lease by then. */
const STILL_OURS_MS = 10_000;

export interface DeliverOptions extends DeliveryOptions {
  readonly isClosed: () => boolean;
  readonly onSent: (fate: Fate['fate']) => void;
}

/** @returns whether there may be more to send now */
export async function deliver(options: DeliverOptions, place: DestinationReference): Promise<boolean> {
  const { db, newId, isClosed } = options;
  const lease = { ...place, leaseId: newId() };
  if (!(await takeLease(db, lease))) return false;
  try {
    for (let turns = 0; turns < TURNS_IN_A_ROW; turns += 1) {
      if (isClosed()) return false;
      // In turn, so that neither waits for the end of the other.
      const isNew = await takeTurn(options, { lease, isReplay: false });
      const isReplay = await takeTurn(options, { lease, isReplay: true });
      if (!isNew && !isReplay) return false;
    }
    return true;
  } finally {
    await endLease(db, lease);
  }
}

/** @returns whether something was delivered, or ended: what comes behind it may be sent */
async function takeTurn(
  options: DeliverOptions,
  { lease, isReplay }: { readonly lease: Lease; readonly isReplay: boolean },
): Promise<boolean> {
  const { db, now, newId, webhooks } = options;
  const begun = performance.now();
  const outgoing = await takeNext(db, { ...lease, isReplay, now: now(), newDeliveryId: newId() });
  if (outgoing === null) return false;
  if (outgoing.changes.length === 0) {
    await endEmpty(db, lease, { deliveryId: outgoing.deliveryId, now: now() });
    return true;
  }
  if (performance.now() - begun > STILL_OURS_MS) return false;
  const at = now();
  const answer = await webhooks.send(requestOf(outgoing, at));
  const fate = decideFate({
    reply: answer,
    tries: outgoing.tries + 1,
    since: outgoing.triedSince ?? at,
    now: now(),
    random: options.random(),
  });
  await noteAttempt(db, lease, { outgoing, attempt: { at, ...toAttempt(answer) }, fate });
  options.onSent(fate.fate);
  return fate.fate === 'delivered' || fate.fate === 'dead';
}

function requestOf({ deliveryId, createdAt, destination, url, secrets, changes }: Outgoing, at: Date) {
  const body = webhookBodyOf({ destination, createdAt, changes, isTest: false });
  return { url, body, headers: signWebhook({ id: deliveryId, at, body }, secrets) };
}

function toAttempt({ status, error, excerpt, durationMs }: WebhookAnswer) {
  const isRedirect = status !== null && status >= 300 && status < 400;
  return { status, error: isRedirect ? 'Redirects are not followed.' : error, excerpt, durationMs };
}
