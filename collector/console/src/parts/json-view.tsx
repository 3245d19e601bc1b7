import type { ComponentChildren } from 'preact';
import { CopyButton } from './copy-button';

interface JsonViewProps {
  readonly value: unknown;
  readonly label: string;
}

/** JSON, indented and coloured. Every part of it is a text node: nothing in a value can become markup. */
export function JsonView({ value, label }: JsonViewProps) {
  return (
    <div class="json">
      <CopyButton text={() => JSON.stringify(value, null, 2)} label={`Copy ${label}`} />
      <pre tabIndex={0} role="group" aria-label={label}>
        <code>{draw(value, '')}</code>
      </pre>
    </div>
  );
}

function draw(value: unknown, indent: string): ComponentChildren {
  if (Array.isArray(value))
    return drawItems(
      value.map((item) => ({ item: item as unknown })),
      { indent, ends: '[]' },
    );
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => ({ key, item: item as unknown }));
    return drawItems(entries, { indent, ends: '{}' });
  }
  const kind = value === null ? 'null' : typeof value;
  return <span class={`json-${kind}`}>{JSON.stringify(value)}</span>;
}

interface Item {
  readonly key?: string;
  readonly item: unknown;
}

function drawItems(
  items: readonly Item[],
  { indent, ends }: { readonly indent: string; readonly ends: string },
) {
  if (items.length === 0) return ends;
  const inner = `${indent}  `;
  return [
    ends[0],
    items.map(({ key, item }, index) => [
      `\n${inner}`,
      key !== undefined && [<span class="json-key">{JSON.stringify(key)}</span>, ': '],
      draw(item, inner),
      index < items.length - 1 && ',',
    ]),
    `\n${indent}${ends[1]}`,
  ];
}
