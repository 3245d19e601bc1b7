import { Counter, type Registry } from 'prom-client';
import type { DefaultReason } from '../core/decision-answer';

/** How a decision was come to: by a case, or by its default and why. */
export type DecisionOutcome = 'case' | DefaultReason;

export function countDecisions(registers: Registry[]): (outcome: DecisionOutcome) => void {
  const decisions = new Counter({
    name: 'throughline_decisions_total',
    help: 'Decisions by how they were come to: case, or the default because of what.',
    labelNames: ['outcome'],
    registers,
  });
  return (outcome) => decisions.inc({ outcome });
}
