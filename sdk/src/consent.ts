import type { Consent, Tracker } from './api';
import { browserClock } from './browser/clock';
import { createPageReader } from './browser/page-reader';
import type { LocalStore } from './browser/local-storage';
import { followPageViews } from './browser/page-views';
import { NOBODY } from './core/identity';
import { createReceipt } from './core/receipt';
import type { DropReason, Receipt } from './core/receipt';
import { snapshot } from './core/snapshot';
import { createSubscriptions } from './core/subscriptions';
import type { TagSettings } from './options';
import { createCalls, doEarlyCalls, newId } from './tracker';
import type { EarlyCall, Opened } from './tracker';
import { openWithdrawable } from './withdrawable';
import type { Withdrawable } from './withdrawable';

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
  settings: TagSettings,
  { opening, earlyCalls = [] }: ConsentEdges = {},
): Tracker {
  const subscriptions = createSubscriptions();
  const life = new AbortController();
  const readPage = createPageReader(settings.hashRoutes);
  const entered = readPage();
  let settlePageView = (): void => undefined;
  let becomeReady = settlePageView;
  const ready = new Promise<void>((resolve) => (becomeReady = resolve));
  const open: Open = (kept) => {
    becomeReady();
    return openWithdrawable(settings, {
      ...{ subscriptions, kept, entered },
      onWithdrawn: () => gate.set('denied'),
    });
  };
  const gate = createGate(settings, open, life.signal);
  const drop = (reason: DropReason): Receipt => {
    const receipt = createReceipt(newId(), reason);
    subscriptions.emit('drop', receipt);
    return receipt;
  };
  const call: Opened['call'] = (type, given, early) => {
    settlePageView();
    const moment = { page: readPage(type === 'page'), ...early };
    const opened = gate.now();
    if (opened) return opened.call(type, given, moment);
    // As it is now: the page may change what it passed, and may be another one by then.
    const copy = snapshot(given.filter((value) => typeof value !== 'function')) as readonly unknown[];
    const held = { at: browserClock.now(), ...moment };
    return new Promise((resolve) => {
      gate.pass((opened) => {
        if (opened) resolve(opened.call(type, copy, held));
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
    settlePageView = followPageViews(readPage, () => void tracker.page(), life.signal);
  }
  gate.start(opening);
  doEarlyCalls({ tracker, call }, earlyCalls);
  return tracker;
}

type Open = (kept: LocalStore | undefined) => Withdrawable;

/** Has a tracker only while the visitor has agreed to it, and holds what is to be done with it before. */
function createGate(settings: TagSettings, open: Open, signal: AbortSignal) {
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

/** What holds at the start; a visitor who says later what they want is heard. */
function readConsent({ consent, respectGpc, respectDnt }: TagSettings): Consent {
  const { doNotTrack, globalPrivacyControl }: Signals = navigator;
  return (respectGpc && globalPrivacyControl) || (respectDnt && doNotTrack === '1') ? 'denied' : consent;
}

/** What browsers may say for their visitors; not all of it is in TypeScript's DOM library yet. */
interface Signals {
  readonly doNotTrack?: string | null;
  readonly globalPrivacyControl?: boolean;
}
