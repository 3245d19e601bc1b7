import { afterEach, beforeEach } from 'vitest';
import { autocapture } from '../../src/autocapture/autocapture';
import type { AutocaptureOptions } from '../../src/autocapture/autocapture';

export interface Recorded {
  readonly event: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly options: { readonly context?: { readonly page?: Readonly<Record<string, unknown>> } } | undefined;
}

/** A page with autocapture on it, and what came of it. */
export function openPage(html: string, options?: AutocaptureOptions) {
  const recorded: Recorded[] = [];
  document.body.innerHTML = html;
  const stop = autocapture(
    {
      track: (event, properties, more) => {
        recorded.push({
          event,
          properties: properties as Recorded['properties'],
          options: more as Recorded['options'],
        });
      },
    },
    options,
  );
  undos.push(stop);
  return { recorded, stop, find: (selector: string) => document.querySelector(selector)! };
}

const undos: (() => void)[] = [];

export const SHOP = 'https://shop.example';

/** Each test begins with an empty page of the shop that nothing listens on, and which stays where it is. */
export function cleanPages(): void {
  const stay = (event: Event): void => event.preventDefault();
  for (const type of ['click', 'auxclick', 'submit']) addEventListener(type, stay);
  beforeEach(() => {
    const { happyDOM } = window as unknown as { happyDOM: { setURL: (url: string) => void } };
    happyDOM.setURL(`${SHOP}/`);
    document.body.innerHTML = '';
  });
  afterEach(() => {
    for (const undo of undos.splice(0)) undo();
  });
}

export function click(target: Element, init: MouseEventInit = {}, type = 'click'): void {
  target.dispatchEvent(new MouseEvent(type, { bubbles: true, composed: true, cancelable: true, ...init }));
}

export function send(form: Element): void {
  form.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
}
