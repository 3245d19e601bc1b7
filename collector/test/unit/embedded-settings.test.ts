import { expect, it } from 'vitest';
import { postgresSettings } from '../../src/embedded/settings';

const GB = 2 ** 30;

it.each([
  [0.5, '256MB'],
  [4, '256MB'],
  [8, '512MB'],
  [23.54, '1506MB'],
  [512, '2048MB'],
])('of %d GB of memory our Postgres keeps tables in at most %s', (memory, buffers) => {
  expect(postgresSettings(memory * GB)).toMatchObject({ shared_buffers: buffers, max_connections: '50' });
});
