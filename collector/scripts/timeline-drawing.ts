/** Draws divisions of time as SVG: a bar for a subject, a colour for an owner, a mark for a claim. */
import type { Move, Span } from '../src/core/identity';

export interface Row {
  readonly label: string;
  readonly subjectId: string;
  readonly spans: readonly Span[];
  /** Claims: when, in minutes, and whom they name. */
  readonly marks: readonly { readonly at: number; readonly text: string }[];
  /** What changed hands, drawn below the bar. */
  readonly moves?: readonly Move[];
  /** Whether there are too many marks to name all of them. @default false */
  readonly isCrowded?: boolean;
}

const WIDTH = 760;
const LEFT = 150;
const RIGHT = 740;
const LAST_MINUTE = 60;
const TOP = 40;
const ROW_HEIGHT = 84;
const BAR = { below: 30, height: 30, text: 20 };
const WIDE_ENOUGH_FOR_A_NAME = 28;
const COLOURS = 3;

const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 14px }
    .quiet { fill: #59636e; font-size: 12px }
    .panel { fill: #fff; stroke: #d1d9e0 }
    .mark { stroke: #59636e }
    .owner0 { fill: #a8d1ff } .owner1 { fill: #ffcf8f } .owner2 { fill: #c3b5fd } .itself { fill: #e4e7eb }
    .move { stroke: #bf3989; stroke-width: 2; fill: none }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc } .quiet { fill: #9198a1 }
      .panel { fill: #0d1117; stroke: #3d444d } .mark { stroke: #9198a1 }
      .owner0 { fill: #1f4f8a } .owner1 { fill: #7d4e00 } .owner2 { fill: #54429e } .itself { fill: #3d444d }
      .move { stroke: #ff80c8 }
    }`;

/** A picture of a few subjects under each other, which says in words, too, what it shows. */
export function drawPicture({ title, rows }: { title: string; rows: readonly Row[] }): string {
  const height = TOP + rows.length * ROW_HEIGHT + 26;
  const owners = [...new Set(rows.flatMap(({ spans }) => spans.map(({ ownerId }) => ownerId)))].sort();
  const drawn = rows.flatMap((row, index) => drawRow(row, { top: TOP + index * ROW_HEIGHT, owners }));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img">
  <title>${escape(title)}</title>
  <desc>${escape(rows.map(inWords).join(' '))}</desc>
  <style>${STYLE}
  </style>
  <rect class="panel" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
  <text class="title" x="20" y="28">${escape(title)}</text>
${drawn.map((part) => `  ${part}`).join('\n')}
  <text class="quiet" x="${LEFT}" y="${height - 10}">← earlier</text>
  <text class="quiet" x="${RIGHT}" y="${height - 10}" text-anchor="end">later →</text>
</svg>
`;
}

function inWords({ label, subjectId, spans }: Row): string {
  const parts = spans.map(({ fromAt, ownerId }) => {
    const since = fromAt === -Infinity ? 'from the beginning' : `from minute ${round(fromAt)}`;
    return `${since} ${ownerId === subjectId ? 'its own' : `${ownerId}’s`}`;
  });
  const shown = parts.length > 6 ? [...parts.slice(0, 2), '…', ...parts.slice(-2)] : parts;
  return `${label}: ${shown.join(', ')}.`;
}

function drawRow(row: Row, place: { top: number; owners: readonly string[] }): string[] {
  const barTop = place.top + BAR.below;
  const last = row.marks.length - 1;
  return [
    `<text x="20" y="${barTop + BAR.text}">${escape(row.label)}</text>`,
    ...row.spans.flatMap((span) =>
      drawSpan(span, {
        barTop,
        colour:
          span.ownerId === row.subjectId ? 'itself' : `owner${place.owners.indexOf(span.ownerId) % COLOURS}`,
        name: span.ownerId === row.subjectId ? 'its own' : span.ownerId,
      }),
    ),
    ...row.marks.flatMap((mark, index) =>
      drawMark(mark, { barTop, isNamed: row.isCrowded !== true || index === 0 || index === last }),
    ),
    ...(row.moves ?? []).flatMap((move) => drawMove(move, barTop)),
  ];
}

function drawSpan(
  { fromAt, toAt }: Span,
  { barTop, colour, name }: { barTop: number; colour: string; name: string },
): string[] {
  const [from, to] = [placeOf(fromAt), placeOf(toAt)];
  const bar = `<rect class="${colour}" x="${from}" y="${barTop}" width="${round(to - from)}" height="${BAR.height}"/>`;
  if (to - from < WIDE_ENOUGH_FOR_A_NAME) return [bar];
  const middle = round((from + to) / 2);
  return [bar, `<text x="${middle}" y="${barTop + BAR.text}" text-anchor="middle">${escape(name)}</text>`];
}

function drawMark(
  { at, text }: Row['marks'][number],
  { barTop, isNamed }: { barTop: number; isNamed: boolean },
): string[] {
  const x = placeOf(at);
  const line = `<path class="mark" d="M${x} ${barTop - 8}v8"/>`;
  if (!isNamed) return [line];
  return [
    line,
    `<text class="quiet" x="${x}" y="${barTop - 12}" text-anchor="middle">identify ${escape(text)}</text>`,
  ];
}

function drawMove({ fromAt, toAt, oldOwnerId, newOwnerId }: Move, barTop: number): string[] {
  const [from, to] = [placeOf(fromAt), placeOf(toAt)];
  const y = barTop + BAR.height + 4;
  const middle = round((from + to) / 2);
  return [
    `<path class="move" d="M${from + 2} ${y}v5H${to - 2}v-5"/>`,
    `<text class="quiet" x="${middle}" y="${y + 18}" text-anchor="middle">${escape(`moves from ${oldOwnerId} to ${newOwnerId}`)}</text>`,
  ];
}

/** Where a minute lies; the beginning and the end of all time lie at the ends. */
function placeOf(minute: number): number {
  const within = Math.min(LAST_MINUTE, Math.max(0, minute));
  return round(LEFT + (within / LAST_MINUTE) * (RIGHT - LEFT));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
