import { isWithin, readLink } from '../core/link';
import type { Link } from '../core/link';
import type { Choices, Recorder } from './choices';
import {
  attributeOf,
  compact,
  isMatch,
  readEventName,
  readId,
  readPath,
  readProperties,
  readText,
} from './element';

/** What people click to have something happen. Fields are none: what is chosen there is the visitor's own. */
const CLICKABLE = [
  ...['a', 'area', 'button', 'summary'],
  ...['input[type=button]', 'input[type=submit]', 'input[type=reset]', 'input[type=image]'],
  ...['[role=button]', '[role=link]', '[role=menuitem]', '[role=tab]', '[role=switch]'],
  ...['[data-tl-event]:not(form)', '[data-tl-capture]', '.tl-capture'],
].join();

/** Records clicks on what can be clicked; a click is one event, and where a link leads decides which. */
export function followClicks(record: Recorder, choices: Choices, signal: AbortSignal): void {
  const look = (event: MouseEvent): void => {
    const path = readPath(event);
    const element = path.find((each) => isMatch(each, CLICKABLE));
    if (!element || isForwarded(path, element)) return;
    const fromElement = path.slice(path.indexOf(element));
    const anchor = fromElement.find((each) => readAddress(each) !== '');
    // The middle button opens links, and does nothing else.
    if (event.type === 'auxclick' && !(anchor && event.button === 1)) return;
    const link = anchor && readLink(readAddress(anchor), document.baseURI);
    const kind = kindOf(anchor, link, choices);
    const name = readEventName(path.filter((each) => !isMatch(each, 'form')));
    if (!kind && !name) return;
    record(name ?? kind!, {
      ...compact({
        tag: element.localName,
        id: readId(element),
        text: choices.text ? readText(fromElement) : '',
      }),
      ...(link && compact({ href: link.href })),
      ...(kind === OUTBOUND && { host: link!.host }),
      ...(kind === DOWNLOAD && compact({ file: link!.file, extension: link!.extension })),
      ...readProperties(path),
    });
  };
  for (const type of ['click', 'auxclick'] as const) {
    // At the window and first, so that no handler of the page has stopped the event or changed what is written there.
    addEventListener(type, (event) => record.safely(() => look(event)), { capture: true, signal });
  }
}

const OUTBOUND = 'Outbound Link Clicked';
const DOWNLOAD = 'File Downloaded';

/** The event's name; undefined where this is not to be recorded. */
function kindOf(anchor: Element | undefined, link: Link | undefined, choices: Choices): string | undefined {
  const isDownload =
    link &&
    ((anchor as Element).hasAttribute('download') ||
      (link.host !== '' && choices.downloadExtensions.includes(link.extension)));
  if (isDownload && choices.downloads) return DOWNLOAD;
  const isOutbound = link?.host && !isWithin(link.host, [location.hostname, ...choices.ownDomains]);
  if (isOutbound && choices.outboundLinks) return OUTBOUND;
  return choices.clicks ? 'Element Clicked' : undefined;
}

/** Where a link leads, also one of an older SVG; empty for what is none. */
function readAddress(element: Element): string {
  return isMatch(element, 'a,area') ? attributeOf(element, 'href') || attributeOf(element, 'xlink:href') : '';
}

/** A click on a label clicks its field in turn; where both are within the element, the second one counts. */
function isForwarded(path: readonly Element[], element: Element): boolean {
  const label = path.find((each) => each instanceof HTMLLabelElement);
  const field = label?.control;
  return Boolean(field && element.contains(field) && !path.includes(field));
}
