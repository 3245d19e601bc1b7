import type { Identity } from './wire';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The reader's own English, or British: the console's words are English, and a date in another language reads oddly among them. */
const LOCALE =
  (globalThis.navigator?.languages ?? []).find((language) => language.startsWith('en')) ?? 'en-GB';

const MINUTE_OF_DAY = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
const minute = new Intl.DateTimeFormat(LOCALE, MINUTE_OF_DAY);
const clock = new Intl.DateTimeFormat(LOCALE, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const dayAndMonth = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short' });
const dayMonthYear = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', year: 'numeric' });
const dayAndMinute = new Intl.DateTimeFormat(LOCALE, { ...MINUTE_OF_DAY, day: 'numeric', month: 'short' });
const weekday = new Intl.DateTimeFormat(LOCALE, { weekday: 'long', day: 'numeric', month: 'long' });
const absolute = new Intl.DateTimeFormat(LOCALE, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
  timeZoneName: 'short',
});
const grouped = new Intl.NumberFormat(LOCALE);

/** "14:03:07", in the reader's timezone. */
export function clockTime(at: string): string {
  return clock.format(new Date(at));
}

/** The whole moment with milliseconds and timezone, for a tooltip. */
export function absoluteTime(at: string): string {
  return absolute.format(new Date(at));
}

/** "just now", "40 s ago", "3 min ago", "5 h ago", "2 d ago", then the date. A moment ahead of us is "just now": clocks differ. */
export function relativeTime(at: string, now: number): string {
  const moment = new Date(at);
  const age = now - moment.getTime();
  if (age < 5 * SECOND_MS) return 'just now';
  if (age < MINUTE_MS) return `${Math.floor(age / SECOND_MS)} s ago`;
  if (age < HOUR_MS) return `${Math.floor(age / MINUTE_MS)} min ago`;
  if (age < DAY_MS) return `${Math.floor(age / HOUR_MS)} h ago`;
  if (age < 7 * DAY_MS) return `${Math.floor(age / DAY_MS)} d ago`;
  return sameYear(moment, new Date(now)) ? dayAndMonth.format(moment) : dayMonthYear.format(moment);
}

/** The heading of a day on a timeline: "Today", "Yesterday", "Friday 20 November", with the year when it is another. */
export function dayName(at: string, now: number): string {
  const moment = new Date(at);
  if (sameDay(moment, new Date(now))) return 'Today';
  if (sameDay(moment, yesterdayOf(now))) return 'Yesterday';
  return sameYear(moment, new Date(now)) ? weekday.format(moment) : dayMonthYear.format(moment);
}

/** "Today, 14:03", "20 Nov, 14:03", and of another year the date alone. */
export function shortMoment(at: string, now: number): string {
  const moment = new Date(at);
  if (sameDay(moment, new Date(now))) return `Today, ${minute.format(moment)}`;
  return sameYear(moment, new Date(now)) ? dayAndMinute.format(moment) : dayMonthYear.format(moment);
}

/** "0 s", "4 min 10 s", "1 h 5 min". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes === 0) return `${whole} s`;
  const [large, small] =
    minutes < 60 ? [`${minutes} min`, whole % 60] : [`${Math.floor(minutes / 60)} h`, minutes % 60];
  if (small === 0) return large;
  return `${large} ${small} ${minutes < 60 ? 's' : 'min'}`;
}

export function wholeNumber(value: number): string {
  return grouped.format(value);
}

/** "1 event", "1,204 events". */
export function counted(value: number, noun: string): string {
  return `${grouped.format(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/**
 * An exact decimal, such as `"59.99"`, in its currency. It is formatted as the text that it is (ECMA-402,
 * "Intl mathematical value"), never as a float; a code that is no currency stands behind the number as it came.
 */
export function money(amount: string, currency: string): string {
  const digits = amount.includes('.') ? (amount.replace(/0+$/, '').split('.')[1]?.length ?? 0) : 0;
  try {
    const format = new Intl.NumberFormat(LOCALE, { style: 'currency', currency });
    const usual = format.resolvedOptions().maximumFractionDigits ?? 2;
    const exact =
      digits > usual
        ? new Intl.NumberFormat(LOCALE, { style: 'currency', currency, maximumFractionDigits: digits })
        : format;
    return exact.format(amount as Intl.StringNumericLiteral);
  } catch {
    return `${amount} ${currency}`;
  }
}

/** All of a profile's revenue, a sum for each currency; a dash when there is none. */
export function revenueOf(revenue: Readonly<Record<string, string>>): string {
  const amounts = Object.entries(revenue).map(([currency, amount]) => money(amount, currency));
  return amounts.length === 0 ? '–' : amounts.join(' + ');
}

/** How a person is called in a list: the email, else the user ID, else a shortened anonymous ID. */
export function nameOf(identity: Identity): {
  readonly label: string;
  readonly full: string;
  readonly anonymous: boolean;
} {
  const known = identity.email ?? identity.userId;
  if (known !== null) return { label: known, full: known, anonymous: false };
  const anonymous = identity.anonymousId ?? 'unknown';
  return { label: `anonymous ${shortId(anonymous)}`, full: anonymous, anonymous: true };
}

/** The last part of a UUID tells two of one minute apart (its first part is a clock); other IDs are shown whole. */
export function shortId(id: string): string {
  return /^[0-9a-f]{8}-/i.test(id) && id.length === 36 ? id.slice(-8) : id;
}

function yesterdayOf(now: number): Date {
  const day = new Date(now);
  day.setDate(day.getDate() - 1);
  return day;
}

function sameDay(a: Date, b: Date): boolean {
  return sameYear(a, b) && a.getMonth() === b.getMonth() && a.getDate() === b.getDate();
}

function sameYear(a: Date, b: Date): boolean {
  return a.getFullYear() === b.getFullYear();
}
