import { createHmac } from 'node:crypto';

/**
 * Signatures as the Standard Webhooks specification has them (version 1, symmetric):
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

const PREFIX = 'whsec_';
/** Between 24 and 64, says the specification. */
export const SECRET_BYTES = 32;

/** @param random {@link SECRET_BYTES} random bytes */
export function webhookSecretOf(random: Uint8Array): string {
  return PREFIX + Buffer.from(random).toString('base64');
}

export interface SignedContent {
  /** The same for each time that it is sent. */
  readonly id: string;
  /** When it is sent. */
  readonly at: Date;
  readonly body: string;
}

/** The headers of a signed request; with several secrets a signature of each, any of which a receiver may check. */
export function signWebhook(
  { id, at, body }: SignedContent,
  secrets: readonly string[],
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
