import type { IncomingMessage } from 'node:http';
import { ApiError } from '../errors';
import type { Reservation } from '../queue/contract';

export interface Reading {
  /** Bytes that the body may have. */
  readonly maxBytes: number;
  /** Holds what has been read so far. */
  readonly reservation: Pick<Reservation, 'grow'>;
}

/**
 * Reads a body into memory. What arrives counts as in flight at once; what was only announced does not, or a few
 * senders that announce much and send nothing would keep everybody else out.
 *
 * @throws ApiError payload_too_large, invalid_request where it ends early; QueueFull
 */
export function readBody(body: IncomingMessage, { maxBytes, reservation }: Reading): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (settle: () => void): void => {
      body.off('data', take).off('end', end).off('error', abort).off('close', abort);
      settle();
    };
    const refuse = (error: unknown): void => {
      finish(() => reject(error as Error));
      // The rest is read and forgotten: whoever is still sending could not hear the answer otherwise.
      body.on('error', () => undefined).resume();
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) return refuse(new ApiError('payload_too_large'));
      try {
        reservation.grow(chunk.length);
      } catch (error) {
        return refuse(error);
      }
      chunks.push(chunk);
    };
    const end = (): void => finish(() => resolve(Buffer.concat(chunks, length)));
    const abort = (): void => refuse(new ApiError('invalid_request', 'The body ended early.'));
    body.on('data', take).on('end', end).on('error', abort).on('close', abort);
  });
}
