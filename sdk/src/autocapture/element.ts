import { attempt } from '../core/attempt';
import { maskText, MAX_TEXT_CHARS } from '../core/mask';

/** Nothing in there is recorded. */
const IGNORED = '[data-tl-ignore],.tl-ignore';
/** What happens in there is recorded, what is written there is not. */
const MASKED = '[data-tl-mask],.tl-mask,[contenteditable]:not([contenteditable="false"])';
/** What is no text, or text that visitors wrote or do not see. */
const NO_TEXT = `${IGNORED},${MASKED},input,textarea,select,option,datalist,script,style,template,noscript,iframe,object,[hidden],[aria-hidden="true"]`;
const BUTTON_INPUT = 'input[type=button],input[type=submit],input[type=reset],input[type=image]';

const MAX_NODES = 500;
const MAX_PROPERTIES = 20;
const PROPERTY_PREFIX = 'data-tl-prop-';

/**
 * As getAttribute() and matches(). A form's own are hidden by fields of that name (`<input name="getAttribute">`),
 * and then a visitor's input would be taken for the page's.
 */
export function attributeOf(element: Element, name: string): string {
  return Element.prototype.getAttribute.call(element, name) ?? '';
}
export function isMatch(element: Element, selector: string): boolean {
  return Element.prototype.matches.call(element, selector);
}

/** From what was hit outwards, through shadow roots; empty where something of it is to be ignored. */
export function readPath(event: Event): readonly Element[] {
  const path = event.composedPath().filter((target): target is Element => target instanceof Element);
  return path.some((element) => isMatch(element, IGNORED)) ? [] : path;
}

/**
 * What the first element of a path is called on its page, in the first words that it has; empty where it must not
 * be read, or lies in something that must not.
 */
export function readText(path: readonly Element[]): string {
  const [element, ...around] = path;
  if (!element) return '';
  const isButton = isMatch(element, BUTTON_INPUT);
  if (isMatch(element, isButton ? MASKED : NO_TEXT) || around.some((each) => isMatch(each, NO_TEXT)))
    return '';
  const own = isButton ? attributeOf(element, 'value') : collectText(element);
  return maskText(
    attributeOf(element, 'aria-label') || own || attributeOf(element, 'title') || attributeOf(element, 'alt'),
  );
}

/** The text nodes below, no more than are needed. */
function collectText(root: Element): string {
  const texts: string[] = [];
  let nodes = 0;
  let chars = 0;
  const isFull = (): boolean => (nodes += 1) > MAX_NODES || chars > MAX_TEXT_CHARS * 2;
  const walk = (from: Node): void => {
    const walker = document.createTreeWalker(from, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) =>
      node instanceof Element && isMatch(node, NO_TEXT) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
    );
    for (let node: Node | null = from; node && !isFull(); node = walker.nextNode()) {
      // What a component shows in a slot is not below the slot.
      if (node instanceof HTMLSlotElement) node.assignedNodes().filter(isShown).forEach(walk);
      else if (node instanceof HTMLImageElement) texts.push(attributeOf(node, 'alt'));
      else if (node instanceof Text) {
        texts.push(node.data);
        chars += node.length;
      }
    }
  };
  walk(root);
  return texts.join(' ');
}

function isShown(node: Node): boolean {
  return !(node instanceof Element && isMatch(node, NO_TEXT));
}

/** `data-tl-prop-plan-id="pro"` on any element of the path: `{plan_id: 'pro'}`; the inner one holds. */
export function readProperties(path: readonly Element[]): Readonly<Record<string, string>> {
  const said = [...path].reverse().flatMap((element) => {
    const names = Element.prototype.getAttributeNames.call(element);
    return names
      .filter((name) => name.startsWith(PROPERTY_PREFIX))
      .map((name) => {
        const key = name.slice(PROPERTY_PREFIX.length).replace(/-/g, '_');
        return [key, maskText(attributeOf(element, name))] as const;
      });
  });
  return Object.fromEntries(said.slice(-MAX_PROPERTIES));
}

/** `data-tl-event` on the innermost of these elements that has it. */
export function readEventName(elements: readonly Element[]): string | undefined {
  const named = elements.find((element) => attributeOf(element, 'data-tl-event').trim());
  return named && attributeOf(named, 'data-tl-event').trim();
}

/** Without what is empty. */
export function compact(properties: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => value !== '' && value !== undefined),
  );
}

/** Its ID as the page gave it; masked, because pages make IDs of what they have. */
export function readId(element: Element): string {
  return attempt(() => maskText(attributeOf(element, 'id')), '');
}
