/** A serverless function: it may be frozen as soon as it has returned, so it flushes before. */
import { createTracker } from '@throughline/sdk/node';

const { COLLECTOR = '', WRITE_KEY = '' } = process.env;
const tracker = createTracker({ host: COLLECTOR, writeKey: WRITE_KEY });

/** @param {{ userId: string, plan: string }} order */
export async function handler({ userId, plan }) {
  void tracker.identify({ userId, traits: { plan } });
  void tracker.track({ userId, event: 'Plan Chosen', properties: { plan } });
  await tracker.flush({ timeoutMs: 3_000 });
  return { status: 200 };
}
