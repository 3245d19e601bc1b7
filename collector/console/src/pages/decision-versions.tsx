import { useState } from 'preact/hooks';
import { post } from '../api';
import { Ago } from '../parts/ago';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Skeleton } from '../parts/screen';
import { toastDone, toastFailure } from '../toasts';
import { usePages, useReload } from '../use-answer';
import type { Decision, DecisionVersion } from '../wire-decisions';

interface DecisionVersionsProps {
  readonly decision: Decision;
  readonly onChange: () => void;
}

/** Every version that was written, and the way back to one. */
export function DecisionVersions({ decision, onChange }: DecisionVersionsProps) {
  const path = `/v1/decisions/${encodeURIComponent(decision.id)}`;
  const pages = usePages<DecisionVersion>(`${path}/versions?limit=20`);
  const { items, failure, reload } = pages;
  useReload(reload, decision.updatedAt);
  const [busy, setBusy] = useState(false);
  const activate = async (version: number): Promise<void> => {
    setBusy(true);
    const answer = await post<Decision>(`${path}/activate`, { version });
    setBusy(false);
    if (!answer.ok) return toastFailure(answer);
    toastDone(`Version ${version} answers now.`);
    onChange();
  };
  return (
    <section aria-labelledby="versions-title">
      <h2 id="versions-title" class="section-title">
        Versions
      </h2>
      {!items && failure && <Problem failure={failure} onRetry={reload} />}
      {!items && !failure && <Skeleton rows={3} />}
      {items && (
        <div class="table-box">
          <table class="table table-cards">
            <thead>
              <tr>
                <th scope="col">Version</th>
                <th scope="col">Written</th>
                <th scope="col">By</th>
                <th scope="col">Cases</th>
                <th scope="col" aria-label="Answers" />
              </tr>
            </thead>
            <tbody>
              {items.map(({ version, createdAt, createdBy, cases, isActive }) => (
                <tr key={version}>
                  <th scope="row">{version}</th>
                  <td data-label="Written">
                    <Ago at={createdAt} />
                  </td>
                  <td data-label="By">{createdBy.startsWith('key:') ? 'a secret key' : createdBy}</td>
                  <td data-label="Cases">{cases.map((each) => each.key).join(', ')}</td>
                  <td class="version-way">
                    {isActive ? (
                      'answers now'
                    ) : (
                      <>
                        <button type="button" disabled={busy} onClick={() => void activate(version)}>
                          Let it answer
                        </button>
                        <a href={`/console/decisions/${decision.id}/edit?version=${version}`}>Edit from it</a>
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More pages={pages} />
    </section>
  );
}
