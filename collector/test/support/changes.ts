/** What somebody may change by hand of the lives in histories.ts, and what is to come of it. */
import fc from 'fast-check';
import type { NormalEvent } from '../../src/core/event';
import { type Identifier, type IdentifierKind, subjectIdOf } from '../../src/core/identifier';
import { inWorkspace } from '../../src/db/connect';
import { listLinks } from '../../src/db/links';
import type { NamedSubject } from '../../src/db/subjects';
import { listVoids } from '../../src/db/voids';
import type { ByHand } from './identity-oracle';
import type { Writing } from './writing';

/** Subjects as "kind:value". */
export interface Change {
  readonly what: 'void' | 'unvoid' | 'link' | 'unlink';
  readonly pair: readonly [string, string];
}

const USERS = ['user:u1', 'user:u2', 'user:u3'];
const keyOf = ({ kind, value }: Identifier | NamedSubject) => `${kind}:${value}`;

/** Changes of what these events claim, and of who they are; some are taken back, and some are of what nobody claimed. */
export function changesOf(events: readonly NormalEvent[]): fc.Arbitrary<Change> {
  const claimed = events
    .filter(({ type }) => type === 'identify' || type === 'alias')
    .flatMap(({ identifiers: [strongest, ...weaker] }) =>
      weaker.map((identifier) => [keyOf(identifier), keyOf(strongest!)] as const),
    );
  const pairs = [...claimed, ['anonymous:a1', 'user:u1'] as const];
  const linked = fc
    .tuple(fc.constantFrom(...USERS), fc.constantFrom(...USERS))
    .filter(([source, target]) => source !== target);
  return fc.oneof(
    { weight: 2, arbitrary: fc.record({ what: VOID_OR_NOT, pair: fc.constantFrom(...pairs) }) },
    { weight: 1, arbitrary: fc.record({ what: LINK_OR_NOT, pair: linked }) },
  );
}

const VOID_OR_NOT = fc.constantFrom('void', 'unvoid');
const LINK_OR_NOT = fc.constantFrom('link', 'unlink');

/** Does it, and says what became of it. */
export async function make(
  { identity }: Writing,
  workspaceId: string,
  { what, pair }: Change,
): Promise<string> {
  const [first, second] = pair.map((text) => subjectIdOf(workspaceId, identifierOf(text)));
  const by = { workspaceId, actor: 'console', isPreview: false };
  const isOn = what === 'void' || what === 'link';
  const outcome =
    what === 'void' || what === 'unvoid'
      ? await identity.changeVoid({ ...by, weakerId: first!, strongerId: second!, isVoid: isOn })
      : await identity.changeLink({ ...by, sourceId: first!, targetId: second!, isLinked: isOn });
  return outcome.status;
}

function identifierOf(text: string): Identifier {
  const colon = text.indexOf(':');
  return { kind: text.slice(0, colon) as IdentifierKind, value: text.slice(colon + 1) };
}

/** What stands changed in the end. */
export async function changesStored(
  { db }: Writing,
  workspaceId: string,
  /** Whose value was erased is known by its ID only. */
  nameOf: (subject: NamedSubject) => string = keyOf,
): Promise<Required<Pick<ByHand, 'voided' | 'links'>>> {
  return inWorkspace(db, workspaceId, async (transaction) => {
    const all = { limit: 1000, after: null };
    const voided = await listVoids(transaction, workspaceId, all);
    const links = await listLinks(transaction, workspaceId, all);
    return {
      voided: voided.map(({ weaker, stronger }) => [nameOf(weaker), nameOf(stronger)] as const),
      links: links.map(({ source, target }) => [nameOf(source), nameOf(target)] as const),
    };
  });
}
