/** The body of a webhook: who entered and exited audiences. */

export interface DeliveredChange {
  /** The change's number among those of its audience: greater ones came later. */
  readonly id: string;
  /** The audience's key. */
  readonly audience: string;
  readonly change: 'entered' | 'exited';
  readonly at: Date;
  /** What led to it: event, clock, rebuild, list or erasure. */
  readonly cause: string;
  /** A member from before the destination was connected. */
  readonly isBackfill: boolean;
  readonly profileId: string;
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
}

export interface WebhookContent {
  /** The destination's key. */
  readonly destination: string;
  readonly createdAt: Date;
  readonly changes: readonly DeliveredChange[];
  readonly isTest: boolean;
}

/** As the Standard Webhooks specification proposes it: type, timestamp, data. */
export function webhookBodyOf({ destination, createdAt, changes, isTest }: WebhookContent): string {
  return JSON.stringify({
    type: 'audience.changed',
    timestamp: createdAt,
    data: { destination, isTest, changes },
  });
}

/** What a test sends: a change of nobody's. */
export function sampleChanges(at: Date): readonly DeliveredChange[] {
  return [
    {
      id: '0',
      audience: 'sample',
      change: 'entered',
      at,
      cause: 'event',
      isBackfill: false,
      profileId: '00000000-0000-5000-8000-000000000000',
      userId: 'sample-user',
      email: 'sample@example.com',
      anonymousId: null,
    },
  ];
}
