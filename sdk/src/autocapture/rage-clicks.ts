import type { Choices, Recorder } from './choices';
import { compact, isMatch, readId, readPath, readText } from './element';

const CLICKS = 3;
const WITHIN_MS = 1_000;
const WITHIN_PX = 30;

/** Records that somebody clicks one spot again and again, wherever it is: nothing happens there, or too slowly. */
export function followRageClicks(record: Recorder, { text }: Choices, signal: AbortSignal): void {
  let last: readonly MouseEvent[] = [];
  const look = (event: MouseEvent): void => {
    const path = readPath(event);
    const element = path[0];
    // A click that the keyboard or a script makes has no place, and a label's click is its field's as well.
    if (!element || event.detail === 0 || isMatch(element, 'input,select,textarea')) return;
    const isNear = ({ timeStamp, clientX, clientY }: MouseEvent): boolean =>
      event.timeStamp - timeStamp < WITHIN_MS &&
      Math.hypot(event.clientX - clientX, event.clientY - clientY) < WITHIN_PX;
    last = [...last.filter(isNear), event];
    if (last.length < CLICKS) return;
    last = [];
    record(
      'Rage Clicked',
      compact({
        tag: element.localName,
        id: readId(element),
        text: text ? readText(path) : '',
      }),
    );
  };
  addEventListener('click', (event) => record.safely(() => look(event)), { capture: true, signal });
}
