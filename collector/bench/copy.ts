/**
 * COPY, the fastest way into Postgres, as the measure of what this machine and this disk can do. pg leaves the
 * protocol's copy messages to whoever submits the query.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
import { once } from 'node:events';
import type pg from 'pg';

/** What pg's connection has and its types do not tell. */
interface CopyConnection {
  readonly stream: NodeJS.WritableStream & { readonly writableNeedDrain: boolean };
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/** What COPY … TO STDOUT says, row by row, in the order in which it says it. */
export async function copyOut(client: pg.Client, statement: string): Promise<Buffer[]> {
  const rows: Buffer[] = [];
  await submit(client, statement, { onData: (chunk) => rows.push(Buffer.from(chunk)) });
  return rows;
}

/** Answers COPY … FROM STDIN with the chunks. */
export function copyIn(client: pg.Client, statement: string, chunks: readonly Buffer[]): Promise<void> {
  return submit(client, statement, { chunks });
}

interface CopyWork {
  readonly chunks?: readonly Buffer[];
  readonly onData?: (chunk: Buffer) => void;
}

function submit(client: pg.Client, statement: string, { chunks = [], onData }: CopyWork): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    const query = {
      submit: (connection: unknown) => (connection as CopyConnection).query(statement),
      handleCopyInResponse: (connection: CopyConnection) => {
        sendAll(connection, chunks).catch((error: unknown) => connection.sendCopyFail(String(error)));
      },
      handleCopyData: ({ chunk }: { chunk: Buffer }) => onData?.(chunk),
      handleCommandComplete: () => undefined,
      handleError: (error: Error) => {
        failure = error;
        // After an error the server says once more that it is ready, but pg has forgotten the query by then.
        reject(error);
      },
      handleReadyForQuery: () => (failure === undefined ? resolve() : reject(failure)),
    };
    client.query(query);
  });
}

async function sendAll(connection: CopyConnection, chunks: readonly Buffer[]): Promise<void> {
  for (const chunk of chunks) {
    connection.sendCopyFromChunk(chunk);
    if (connection.stream.writableNeedDrain) await once(connection.stream, 'drain');
  }
  connection.endCopyFrom();
}
