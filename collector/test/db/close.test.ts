import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { openApi } from '../support/api';

it('a stop hangs up on connections that never said anything, and does not wait for them to time out', async () => {
  const api = await openApi();
  const silent = connect(Number(new URL(api.url).port), '127.0.0.1');
  await once(silent, 'connect');
  // The server has taken the connection by the time that it has answered one which came after it.
  expect((await api.get('/ready')).status).toBe(200);
  let heard = '';
  silent.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  silent.on('error', () => undefined);
  await Promise.all([api.close(), once(silent, 'close')]);
  // One that timed out would have been told so: 408.
  expect(heard).toBe('');
});
