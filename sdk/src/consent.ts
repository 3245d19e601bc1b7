import type { Consent, Tracker } from './api';
import { browserClock } from './browser/clock';
import { removeCookie } from './browser/identity-store';
import { createLocalStore } from './browser/local-storage';
import type { LocalStore } from './browser/local-storage';
import { readContext } from './browser/page-context';
import { followPageViews } from './browser/page-views';
import { NOBODY } from './core/identity';
import { createReceipt } from './core/receipt';
import type { DropReason, Receipt } from './core/receipt';
import { snapshot } from './core/snapshot';
import { createSubscriptions } from './core/subscriptions';
import type { Settings } from './options';
import { createCalls, doEarlyCalls, newId, openTracker } from './tracker';
import type { EarlyCall, Opened } from './tracker';

/** So many calls wait for consent. */
const MAX_HELD = 1_000;

/** A call that waits; without a tracker it is dropped. */
type Held = (opened: Opened | undefined) => void;

interface ConsentEdges {
  /** Gives what keeps who the visitor is, where that is not cookie and localStorage. */
  readonly opening?: Promise<LocalStore> | undefined;
  /** What a page called before. */
  readonly earlyCalls?: readonly EarlyCall[];
}

/**
 * A tracker that is there only while the visitor has agreed to it: before, and after, nothing is stored, read or sent.
 */
export function openWithConsent(
  settings: Settings,
  { opening, earlyCalls = [] }: ConsentEdges = {},
): Tracker {
  const subscriptions = createSubscriptions();
  const life = new AbortController();
  let settlePageView = (): void => undefined;
  let becomeReady = settlePageView;
  const ready = new Promise<void>((resolve) => (becomeReady = resolve));
  const open: Open = (kept) => {
    becomeReady();
    return openWithdrawable(settings, { subscriptions, kept, onWithdrawn: () => gate.set('denied') });
  };
  const gate = createGate(settings, open, life.signal);
  const drop = (reason: DropReason): Receipt => {
    const receipt = createReceipt(newId(), reason);
    subscriptions.emit('drop', receipt);
    return receipt;
  };
  const call: Opened['call'] = (type, given, early) => {
    settlePageView();
    const opened = gate.now();
    if (opened) return opened.call(type, given, early);
    // As it is now: the page may change what it passed, and may be another one by then.
    const copy = snapshot(given.filter((value) => typeof value !== 'function')) as readonly unknown[];
    const moment = { at: browserClock.now(), page: readContext(), ...early };
    return new Promise((resolve) => {
      gate.pass((opened) => {
        if (opened) resolve(opened.call(type, copy, moment));
        else resolve(drop(life.signal.aborted ? 'closed' : 'consent'));
      });
    });
  };

  const tracker: Tracker = {
    ...createCalls(call),
    ready,
    consent: { get: gate.get, set: gate.set },
    reset: () => (settlePageView(), gate.pass((opened) => opened?.tracker.reset())),
    flush: async () => (settlePageView(), gate.now()?.tracker.flush()),
    close: () => {
      settlePageView();
      life.abort();
      gate.close();
    },
    use: (plugin) => subscriptions.on('plugin', plugin),
    on: subscriptions.on,
    anonymousId: () => gate.now()?.tracker.anonymousId() ?? '',
    user: () => gate.now()?.tracker.user() ?? NOBODY,
    session: () => gate.now()?.tracker.session() ?? { id: '' },
  };
  if (settings.autoPage) {
    settlePageView = followPageViews(browserClock, () => void tracker.page(), life.signal);
  }
  gate.start(opening);
  doEarlyCalls({ tracker, call }, earlyCalls);
  return tracker;
}

interface Withdrawable {
  readonly opened: Opened;
  /** Takes it back with all that it has stored. */
  readonly withdraw: () => void;
}

type Open = (kept: LocalStore | undefined) => Withdrawable;

/** Has a tracker only while the visitor has agreed to it, and holds what is to be done with it before. */
function createGate(settings: Settings, open: Open, signal: AbortSignal) {
  const held: Held[] = [];
  let consent = readConsent(settings);
  let isOpening = true;
  let kept: LocalStore | undefined;
  let current: Withdrawable | undefined;

  const settle = (): void => held.splice(0).forEach((act) => act(current?.opened));
  const set = (choice: Consent): void => {
    consent = choice;
    if (isOpening || signal.aborted) return;
    if (choice === 'granted') {
      current ??= open(kept);
    } else {
      current?.withdraw();
      current = undefined;
    }
    if (choice !== 'pending') settle();
  };
  const begin = (store?: LocalStore): void => {
    kept = store;
    isOpening = false;
    set(consent);
  };

  return {
    now: () => current?.opened,
    get: () => consent,
    set,
    start: (opening?: Promise<LocalStore>): void => {
      if (opening) void opening.then(begin);
      else begin();
    },
    /** Acts now, or as soon as the visitor has chosen. */
    pass: (act: Held): void => {
      const mayCome = consent === 'granted' || (consent === 'pending' && settings.whilePending === 'hold');
      if (!current && mayCome && !signal.aborted && held.length < MAX_HELD) held.push(act);
      else act(current?.opened);
    },
    close: (): void => {
      current?.opened.tracker.close();
      settle();
    },
  };
}

interface WithdrawableEdges {
  readonly subscriptions: ReturnType<typeof createSubscriptions>;
  readonly kept: LocalStore | undefined;
  /** Another page of the visitor's has withdrawn. */
  readonly onWithdrawn: () => void;
}

/** A tracker that can be taken back. */
function openWithdrawable(
  settings: Settings,
  { subscriptions, kept, onWithdrawn }: WithdrawableEdges,
): Withdrawable {
  const prefix = `${settings.namespace}.`;
  const end = new AbortController();
  // What comes back late, such as an answer, must not be kept either.
  const area = (): Storage | false => !end.signal.aborted && localStorage;
  const memory = settings.cookieless ? createLocalStore(() => false) : undefined;
  const local = kept ?? memory;
  const identity = local && { local, cookie: { read: () => undefined, write: () => undefined } };
  const opened = openTracker({ ...settings, autoPage: false }, { subscriptions, area, identity });
  // Only a withdrawal takes the ID away: it holds for all pages of the visitor.
  const onStorage = ({ key, newValue }: StorageEvent): void => {
    if (key === `${prefix}anonymous` && newValue === null) onWithdrawn();
  };
  addEventListener('storage', onStorage, { signal: end.signal });
  const withdraw = (): void => {
    const { queue, database, tell, stop } = opened;
    stop();
    const waiting = queue.idle();
    waiting.forEach(({ id }) => tell(id, 'consent'));
    void queue.settle(waiting);
    // Also what pages that are gone have left.
    void database.names().then((names) => database.remove(names ?? []));
    for (const store of [createLocalStore(() => localStorage), kept]) {
      store?.keys(prefix).forEach((key) => store.remove(prefix + key));
    }
    removeCookie(`${settings.namespace}_id`);
    end.abort();
  };
  return { opened, withdraw };
}

/** What holds at the start; a visitor who says later what they want is heard. */
function readConsent({ consent, respectGpc, respectDnt }: Settings): Consent {
  const { doNotTrack, globalPrivacyControl }: Signals = navigator;
  return (respectGpc && globalPrivacyControl) || (respectDnt && doNotTrack === '1') ? 'denied' : consent;
}

/** What browsers may say for their visitors; not all of it is in TypeScript's DOM library yet. */
interface Signals {
  readonly doNotTrack?: string | null;
  readonly globalPrivacyControl?: boolean;
}
