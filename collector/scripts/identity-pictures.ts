/**
 * The pictures of docs/identity.md: short histories, divided by the very functions that divide what the collector
 * stores, so that a picture cannot say anything else.
 */
import {
  type Claim,
  divideInTime,
  MAX_OWNERS,
  movesBetween,
  ownerOfEmail,
  withoutVoided,
} from '../src/core/identity';
import { followLinks } from '../src/core/division';
import { drawPicture, type Row } from './timeline-drawing';

export interface IdentityPicture {
  readonly name: string;
  readonly svg: () => string;
}

/** Times are minutes of a morning; IDs are the names that are shown. */
function signIns(weakerId: string, entries: readonly (readonly [at: number, who: string])[]): Claim[] {
  return entries.map(([fromAt, strongerId], index) => ({
    weakerId,
    fromAt,
    strongerId,
    messageId: String(index).padStart(3, '0'),
  }));
}

const itself = (id: string): string => id;

const marksOf = (claims: readonly Claim[]): Row['marks'] =>
  claims.map(({ fromAt, strongerId }) => ({ at: fromAt, text: strongerId }));

function sharedBrowser(): string {
  const claims = signIns('sofa', [
    [15, 'kim'],
    [30, 'lee'],
    [45, 'kim'],
  ]);
  return drawPicture({
    title: 'A browser that two users share is divided in time',
    rows: [
      {
        label: 'browser “sofa”',
        subjectId: 'sofa',
        marks: marksOf(claims),
        spans: divideInTime('sofa', claims, { ownerOf: itself }),
      },
    ],
  });
}

function lateClaim(): string {
  const known = signIns('sofa', [[30, 'lee']]);
  const all = [...known, ...signIns('sofa', [[15, 'kim']])];
  const before = divideInTime('sofa', known, { ownerOf: itself });
  const after = divideInTime('sofa', all, { ownerOf: itself });
  return drawPicture({
    title: 'A sign-in that arrives late moves only the stretch that changes hands',
    rows: [
      { label: 'until then', subjectId: 'sofa', marks: marksOf(known), spans: before },
      {
        label: 'from then on',
        subjectId: 'sofa',
        marks: marksOf(all),
        spans: after,
        moves: movesBetween('sofa', before, after),
      },
    ],
  });
}

function email(): string {
  const address = 'k@x.test';
  const ofAddress = signIns(address, [
    [30, 'kim'],
    [45, 'lee'],
  ]);
  const ofBrowser = signIns('sofa', [[15, address]]);
  const user = ownerOfEmail(ofAddress)!;
  const ownerOf = (target: string): string => (target === address ? user : target);
  const whole = [{ fromAt: -Infinity, toAt: Infinity, targetId: user, ownerId: user }];
  return drawPicture({
    title: 'An email belongs whole to its first user, and a browser that was tied to it follows',
    rows: [
      { label: `email ${address}`, subjectId: address, marks: marksOf(ofAddress), spans: whole },
      {
        label: 'browser “sofa”',
        subjectId: 'sofa',
        marks: marksOf(ofBrowser),
        spans: divideInTime('sofa', ofBrowser, { ownerOf }),
      },
    ],
  });
}

function kiosk(): string {
  const guests = MAX_OWNERS + 4;
  const claims = signIns(
    'kiosk',
    Array.from({ length: guests }, (_, index) => [5 + (index * 45) / guests, String(index + 1)] as const),
  );
  const spans = divideInTime('kiosk', claims, { ownerOf: itself });
  return drawPicture({
    title: `A browser belongs to itself from its ${MAX_OWNERS + 1}st owner on`,
    rows: [{ label: 'browser “kiosk”', subjectId: 'kiosk', marks: marksOf(claims), spans, isCrowded: true }],
  });
}

function voided(): string {
  const claims = signIns('sofa', [
    [15, 'kim'],
    [30, 'lee'],
    [45, 'kim'],
  ]);
  const counting = withoutVoided(claims, [{ weakerId: 'sofa', strongerId: 'lee' }]);
  const before = divideInTime('sofa', claims, { ownerOf: itself });
  const after = divideInTime('sofa', counting, { ownerOf: itself });
  return drawPicture({
    title: 'Without lee’s sign-in it is as if that had never been',
    rows: [
      { label: 'as it was', subjectId: 'sofa', marks: marksOf(claims), spans: before },
      {
        label: 'lee voided',
        subjectId: 'sofa',
        marks: marksOf(counting),
        spans: after,
        moves: movesBetween('sofa', before, after),
      },
    ],
  });
}

function linked(): string {
  const claims = signIns('sofa', [
    [15, 'kim'],
    [30, 'lee'],
  ]);
  const before = divideInTime('sofa', claims, { ownerOf: itself });
  const after = followLinks(before, new Map([['lee', 'kim']]));
  return drawPicture({
    title: 'A user who is linked to another one brings along all that belonged to them',
    rows: [
      { label: 'two users', subjectId: 'sofa', marks: marksOf(claims), spans: before },
      {
        label: 'lee linked to kim',
        subjectId: 'sofa',
        marks: marksOf(claims),
        spans: after,
        moves: movesBetween('sofa', before, after),
      },
    ],
  });
}

export const IDENTITY_PICTURES: readonly IdentityPicture[] = [
  { name: 'shared-browser', svg: sharedBrowser },
  { name: 'late-claim', svg: lateClaim },
  { name: 'email', svg: email },
  { name: 'kiosk', svg: kiosk },
  { name: 'voided', svg: voided },
  { name: 'linked', svg: linked },
];
