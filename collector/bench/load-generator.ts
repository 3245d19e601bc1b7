/** Starts the load generator and talks to it. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CleanUp } from './clean-up';
import type { LoadAnswer, LoadCommand, LoadPlan, LoadResult } from './load-contract';

export interface LoadGenerator {
  /** Makes the requests of a plan. */
  readonly prepare: (plan: LoadPlan) => Promise<void>;
  /** Sends them. @throws where any was not answered as it should be: figures of such a run say nothing */
  readonly send: () => Promise<LoadResult>;
  readonly close: () => Promise<void>;
}

export function startLoadGenerator(cleanUp: CleanUp): LoadGenerator {
  const child = fork(fileURLToPath(import.meta.resolve('./load.ts')));
  return {
    async prepare(plan) {
      await ask(child, { do: 'prepare', plan });
    },
    async send() {
      const answer = await ask(child, { do: 'send' });
      if (!('result' in answer)) throw new Error('The load generator did not send.');
      const { faults } = answer.result;
      if (faults.length > 0) throw new Error(`The collector did not take everything:\n${faults.join('\n')}`);
      return answer.result;
    },
    close: cleanUp.add(() => void child.kill('SIGKILL')),
  };
}

function ask(child: ChildProcess, command: LoadCommand): Promise<LoadAnswer> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('The load generator ended.'));
    child.once('exit', ended);
    child.once('message', (answer: LoadAnswer) => {
      child.removeListener('exit', ended);
      if ('error' in answer) reject(new Error(answer.error));
      else resolve(answer);
    });
    child.send(command);
  });
}
