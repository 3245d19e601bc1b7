import { Gauge, type Registry } from 'prom-client';

/** Gauges that are read off when somebody looks. */
export function watchGauges<Stats>(
  registers: Registry[],
  {
    gauges,
    stats,
  }: {
    readonly gauges: readonly (readonly [
      name: string,
      help: string,
      read: (stats: Stats) => number | null,
    ])[];
    readonly stats: () => Stats;
  },
): void {
  for (const [name, help, read] of gauges) {
    new Gauge({ name, help, registers, collect: setTo(() => read(stats())) });
  }
}

/** Nothing is known yet: no sample, rather than a wrong 0. */
export function setTo(read: () => number | null): (this: Gauge) => void {
  return function (this: Gauge) {
    const value = read();
    if (value === null) this.remove();
    else this.set(value);
  };
}
