interface WayProps {
  readonly kind: 'audiences' | 'decisions' | 'destinations';
  readonly to: string;
  readonly name: string;
}

/** Back to what is edited, and to the list that it is in. */
export function Way({ kind, to, name }: WayProps) {
  return (
    <>
      <a href={`/console/${kind}`}>{kind[0]!.toUpperCase() + kind.slice(1)}</a>
      <span class="parted">
        <a href={to}>{name}</a>
      </span>
    </>
  );
}
