import { readLink } from '../core/link';
import { isSecretField, maskText } from '../core/mask';
import type { Recorder } from './choices';
import { attributeOf, compact, isMatch, readEventName, readId, readPath, readProperties } from './element';

const MAX_FIELDS = 20;
type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/**
 * Records forms as they are sent; of the fields only those that say `data-tl-value`, and never a secret one.
 * `form.submit()` of a page's script tells nobody.
 */
export function followForms(record: Recorder, signal: AbortSignal): void {
  const roots = new WeakSet<EventTarget>();
  const heard = new WeakSet<Event>();
  const onSubmit = (event: Event): void => {
    record.safely(() => {
      const path = readPath(event);
      const form = path[0];
      // A root within another one hears it first.
      if (form instanceof HTMLFormElement && !heard.has(event)) submit(form, path);
      heard.add(event);
    });
  };
  const submit = (form: HTMLFormElement, path: readonly Element[]): void => {
    const address = attributeOf(form, 'action');
    record(readEventName([form]) ?? 'Form Submitted', {
      ...compact({
        id: readId(form),
        name: maskText(attributeOf(form, 'name')),
        // Without one it is the page's own, which the event has.
        action: address && readLink(address, document.baseURI)?.href,
        fields: readFields(form),
      }),
      ...readProperties(path),
    });
  };
  const listen = (root: EventTarget): void => {
    if (roots.has(root)) return;
    roots.add(root);
    root.addEventListener('submit', onSubmit, { capture: true, signal });
  };
  // A submit does not leave its shadow root, but whoever sends a form has clicked or typed in it before.
  const enter = (event: Event): void =>
    record.safely(() =>
      event
        .composedPath()
        .filter((target) => target instanceof ShadowRoot)
        .forEach(listen),
    );
  for (const type of ['click', 'keydown']) addEventListener(type, enter, { capture: true, signal });
  listen(window);
}

/** The values that the page lets be recorded, by the field's name. */
function readFields(form: HTMLFormElement): Readonly<Record<string, unknown>> | undefined {
  const all = Element.prototype.querySelectorAll.call(form, '[data-tl-value]');
  const fields = Array.from(all).filter(isField).filter(mayBeRead).slice(0, MAX_FIELDS);
  const values = fields.flatMap((field) => {
    const value = readValue(field);
    const name = maskText(attributeOf(field, 'name') || attributeOf(field, 'id'));
    return name === '' || value === undefined ? [] : [[name, value] as const];
  });
  return values.length > 0 ? Object.fromEntries(values) : undefined;
}

function isField(element: Element): element is Field {
  return (
    element instanceof HTMLInputElement ||
    element instanceof HTMLSelectElement ||
    element instanceof HTMLTextAreaElement
  );
}

function mayBeRead(field: Field): boolean {
  if (Element.prototype.closest.call(field, '[data-tl-ignore],.tl-ignore,[data-tl-mask],.tl-mask'))
    return false;
  const labels = Array.from(field.labels ?? [], (label) => label.textContent ?? '');
  const said = ['name', 'id', 'aria-label', 'placeholder', 'title'].map((name) => attributeOf(field, name));
  return !isSecretField({
    // Both: a page shows a password by making its field one of text, and the attribute may lie.
    type: field.type,
    autocomplete: attributeOf(field, 'autocomplete'),
    names: [...said, ...labels],
  });
}

function readValue(field: Field): string | boolean | undefined {
  if (isMatch(field, 'input[type=checkbox]')) return (field as HTMLInputElement).checked;
  if (isMatch(field, 'input[type=radio]') && !(field as HTMLInputElement).checked) return undefined;
  return maskText(field.value);
}
