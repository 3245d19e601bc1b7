import { counted, wholeNumber } from '../format';
import { Who } from '../parts/who';
import type { Preview } from '../wire';

/** What a rule would find: said in English, counted, each clause of it too, and some of them. */
export function RulePreview({ preview }: { readonly preview: Preview }) {
  const { sentence, count, clauses, sample, isExact, looked, profiles } = preview;
  return (
    <section class="preview" aria-label="Preview">
      <h2>{counted(count.value, 'profile')}</h2>
      <p>{sentence}</p>
      {!isExact && (
        <p class="muted">
          Estimated from {wholeNumber(looked)} of {wholeNumber(profiles)} profiles: between{' '}
          {wholeNumber(count.low)} and {wholeNumber(count.high)}.
        </p>
      )}
      {clauses.length > 1 && (
        <ul aria-label="Profiles of each clause">
          {clauses.map((clause) => (
            <li key={clause.path}>
              <strong>
                {isExact ? '' : 'about '}
                {wholeNumber(clause.count.value)}
              </strong>{' '}
              {clause.text} <code class="muted">{clause.path}</code>
            </li>
          ))}
        </ul>
      )}
      {sample.length > 0 && (
        <ul class="preview-sample">
          {sample.map((found) => (
            <li key={found.profileId}>
              <Who identity={found} profileId={found.profileId} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
