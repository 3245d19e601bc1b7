import { counted, dayName, wholeNumber } from '../format';
import { now } from '../now';
import { Problem } from '../parts/problem';
import { useAnswer, useReload } from '../use-answer';
import type { Audience, SizePoint } from '../wire';

const WIDTH = 640;
const HEIGHT = 120;
const PAD = 6;

/** How large an audience was at the end of each of the last thirty days; a line needs no library. */
export function SizeChart({ audience }: { readonly audience: Audience }) {
  const path = `/v1/audiences/${encodeURIComponent(audience.id)}/history`;
  const { value, failure, reload } = useAnswer<{ readonly data: readonly SizePoint[] }>(path);
  useReload(reload, audience.lastChange);
  const points = value?.data ?? [];
  return (
    <section class="panel" aria-labelledby="size-title">
      <h2 id="size-title">Members over 30 days</h2>
      {!value && failure && <Problem failure={failure} onRetry={reload} />}
      {points.length > 1 && <Line points={points} />}
    </section>
  );
}

function Line({ points }: { readonly points: readonly SizePoint[] }) {
  const most = Math.max(1, ...points.map(({ size }) => size));
  const x = (index: number) => PAD + (index / (points.length - 1)) * (WIDTH - 2 * PAD);
  const y = (size: number) => HEIGHT - PAD - (size / most) * (HEIGHT - 2 * PAD);
  const line = points.map(({ size }, index) => `${x(index).toFixed(1)},${y(size).toFixed(1)}`).join(' ');
  const [first, last] = [points[0]!, points.at(-1)!];
  const entered = points.reduce((sum, point) => sum + point.entered, 0);
  const exited = points.reduce((sum, point) => sum + point.exited, 0);
  const step = (WIDTH - 2 * PAD) / (points.length - 1);
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`From ${wholeNumber(first.size)} to ${counted(last.size, 'member')}, at most ${wholeNumber(most)}`}
      >
        <polygon class="chart-area" points={`${x(0)},${HEIGHT} ${line} ${x(points.length - 1)},${HEIGHT}`} />
        <polyline class="chart-line" points={line} />
        {points.map((point, index) => (
          <rect key={point.at} x={x(index) - step / 2} y={0} width={step} height={HEIGHT} class="chart-day">
            <title>{describe(point)}</title>
          </rect>
        ))}
      </svg>
      <figcaption>
        <span>{dayName(first.at, now.value)}</span>
        <span>
          {wholeNumber(entered)} entered, {wholeNumber(exited)} left
        </span>
        <span>{dayName(last.at, now.value)}</span>
      </figcaption>
    </figure>
  );
}

function describe({ at, size, entered, exited }: SizePoint): string {
  const day = dayName(at, now.value);
  return `${day}: ${counted(size, 'member')}, ${wholeNumber(entered)} entered, ${wholeNumber(exited)} left`;
}
