import type { DeliveryStats } from '../delivery/keep-deliveries';

type DeliveryGauge = readonly [name: string, help: string, read: (stats: DeliveryStats) => number | null];

export const DELIVERY_GAUGES: readonly DeliveryGauge[] = [
  [
    'throughline_deliveries_delivered',
    'Deliveries that destinations took, since the process started.',
    ({ delivered }) => delivered,
  ],
  [
    'throughline_deliveries_failed',
    'Attempts to deliver that were not answered with 2xx, since the process started.',
    ({ failed }) => failed,
  ],
  [
    'throughline_deliveries_dead',
    'Deliveries that were given up after a day, since the process started.',
    ({ dead }) => dead,
  ],
  [
    'throughline_deliveries_waiting',
    'Deliveries that were sent in vain and wait for their next try, of active destinations.',
    ({ waiting }) => waiting,
  ],
  [
    'throughline_deliveries_dead_of_last_day',
    'Deliveries that were given up within the last 24 hours, by any process.',
    ({ deadOfLastDay }) => deadOfLastDay,
  ],
  [
    'throughline_deliveries_oldest_waiting_seconds',
    'How long the oldest change waits that an active destination was not sent.',
    ({ oldestWaitingMs }) => (oldestWaitingMs === null ? 0 : oldestWaitingMs / 1000),
  ],
];
