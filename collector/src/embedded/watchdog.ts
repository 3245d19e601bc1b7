/** Postgres stops by itself when the collector dies without stopping it (SIGKILL, out of memory). */
import { spawn } from 'node:child_process';
import { asUser, type ServerUser } from './server-user';

/**
 * A shell that waits for a line from us: on a line it goes, on the end of the pipe, which is our death, it asks the
 * server to stop. It runs as the server's user, so it may do that and nothing more. Returns what dismisses it, and
 * waits until it has gone.
 */
export function watchParent(serverPid: number, user: ServerUser): () => Promise<void> {
  const script = 'read -r _ || kill -INT "$1"';
  const watch = spawn('/bin/sh', ['-c', script, 'throughline-watch', String(serverPid)], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    // Not in the group that the terminal's Ctrl-C reaches.
    detached: true,
    ...asUser(user),
  });
  const gone = new Promise<void>((resolve) => {
    watch.once('exit', () => resolve());
    // Without a shell the next start stops the orphan instead.
    watch.once('error', () => resolve());
  });
  watch.stdin.on('error', () => undefined);
  watch.unref();
  return () => {
    watch.stdin.end('\n');
    return gone;
  };
}
