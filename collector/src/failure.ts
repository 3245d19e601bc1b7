import { isUnavailable } from './db/availability';
import { OutOfTime } from './decide/within';
import { ApiError } from './errors';
import { QueueClosed, QueueFull } from './queue/contract';

/** What the client is told of whatever was thrown: never a stack, never a message of the database. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof QueueFull) return new ApiError('overloaded');
  if (error instanceof QueueClosed) return new ApiError('shutting_down');
  // Only where it is not known yet what a decision's default is.
  if (error instanceof OutOfTime) return new ApiError('unavailable');
  return new ApiError(isUnavailable(error) ? 'unavailable' : 'internal');
}
