import { useAnswer } from '../use-answer';
import type { Audience, Page } from '../wire';

/** Which audiences its rule reads the members of, and whose rules read its own. */
export function References({ audience }: { readonly audience: Audience }) {
  const { value } = useAnswer<Page<Audience>>('/v1/audiences?limit=1000');
  const all = value?.data ?? [];
  const named = keysIn(audience.rule);
  const reads = all.filter(({ key }) => named.has(key));
  const readBy = all.filter(({ rule }) => keysIn(rule).has(audience.key));
  if (reads.length + readBy.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="references-title">
      <h2 id="references-title">Other audiences</h2>
      <dl class="facts">
        <Named title="Reads" audiences={reads} />
        <Named title="Read by, and so not to be deleted" audiences={readBy} />
      </dl>
    </section>
  );
}

function Named({ title, audiences }: { readonly title: string; readonly audiences: readonly Audience[] }) {
  if (audiences.length === 0) return null;
  return (
    <div>
      <dt>{title}</dt>
      {audiences.map(({ id, name }) => (
        <dd key={id}>
          <a href={`/console/audiences/${id}`}>{name}</a>
        </dd>
      ))}
    </div>
  );
}

/** The keys of the audiences that a rule names, wherever they stand in it. */
function keysIn(rule: unknown): ReadonlySet<string> {
  if (typeof rule !== 'object' || rule === null) return new Set();
  const own = 'audience' in rule && typeof rule.audience === 'string' ? [rule.audience] : [];
  // What is compared is no rule.
  const inner = Object.entries(rule).flatMap(([name, value]) =>
    ['all', 'any', 'not'].includes(name) ? [value as unknown].flat() : [],
  );
  return new Set([...own, ...inner.flatMap((each) => [...keysIn(each)])]);
}
