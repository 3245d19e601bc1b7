/** Reads a workspace back through the queries that the API uses, in the form of the oracle. */
import type { Kysely } from 'kysely';
import { isUuid, THROUGHLINE_NAMESPACE, uuidV5 } from '../../src/core/uuid';
import { inSnapshot } from '../../src/db/connect';
import { readIdentifiers } from '../../src/db/profile-detail';
import { findProfiles } from '../../src/db/profile-list';
import { readProfiles } from '../../src/db/profiles';
import { EVERYTHING, readTimeline } from '../../src/db/timeline';
import type { Database } from '../../src/db/tables';
import type { Portrait } from './identity-oracle';

export async function portraitsStored(db: Kysely<Database>, workspaceId: string): Promise<Portrait[]> {
  return inSnapshot(db, workspaceId, async (transaction) => {
    const { places } = await findProfiles(transaction, workspaceId, {
      ...{ search: null, filter: null, sort: 'lastSeenAt', order: 'desc', limit: 1000, after: null },
      now: new Date(),
    });
    const ids = places.map(({ id }) => id);
    const profiles = await readProfiles(transaction, workspaceId, ids);
    const portraits: Portrait[] = [];
    for (const profile of profiles) {
      const { identifiers } = await readIdentifiers(transaction, workspaceId, {
        profileId: profile.id,
      });
      const timeline = await readTimeline(transaction, workspaceId, {
        profileId: profile.id,
        order: 'newest',
        from: null,
        to: null,
        filter: EVERYTHING,
        limit: 1000,
        after: null,
        hasContext: false,
      });
      const texts = identifiers.map(({ kind, value }) => `${kind}:${value}`);
      portraits.push({
        id: texts[0]!,
        identifiers: texts.sort(),
        traits: profile.traits,
        firstSeenAt: profile.firstSeenAt.getTime(),
        lastSeenAt: profile.lastSeenAt.getTime(),
        events: profile.events,
        pages: profile.pages,
        orders: profile.orders,
        revenue: profile.revenue,
        lastPage: spoken(profile.lastPage),
        firstCampaign: spoken(profile.firstCampaign),
        firstReferrer: spoken(profile.firstReferrer),
        timeline: timeline.events.map(({ messageId }) => storedIdOf(messageId)),
      });
    }
    return portraits.sort((a, b) => (a.id < b.id ? -1 : 1));
  });
}

/** A timeline shows message IDs as they came. */
const storedIdOf = (messageId: string): string =>
  isUuid(messageId) ? messageId.toLowerCase() : uuidV5(THROUGHLINE_NAMESPACE, messageId);

/** Times as the API writes them. */
const spoken = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
