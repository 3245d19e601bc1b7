import type { MembershipStats } from '../membership/keep-audience';

type AudienceGauge = readonly [name: string, help: string, read: (stats: MembershipStats) => number | null];

export const AUDIENCE_GAUGES: readonly AudienceGauge[] = [
  [
    'throughline_audience_drift',
    'Members that counts from scratch found to be wrong, since the process started: 0 is expected.',
    ({ drift }) => drift,
  ],
  [
    'throughline_audience_recounts',
    'Audiences that were counted from scratch, since the process started.',
    ({ recounts }) => recounts,
  ],
  [
    'throughline_audience_evaluations',
    'Profiles that were looked at for an audience, since the process started.',
    ({ evaluated }) => evaluated,
  ],
  [
    'throughline_audience_changes',
    'Times that somebody entered or exited an audience by that, since the process started.',
    ({ entered, exited }) => entered + exited,
  ],
  [
    'throughline_audience_lag_seconds',
    'How long the last event waited until its profile was looked at.',
    ({ waitedMs }) => (waitedMs === null ? null : waitedMs / 1000),
  ],
];
