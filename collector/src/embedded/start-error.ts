/** The collector cannot start, for a reason that whoever starts it can do something about: the message is all to show. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
