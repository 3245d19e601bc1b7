/** An export cannot go on. The message is for whoever asked for it: it says what to do, and nothing that is secret. */
export class ExportError extends Error {}

/** Somebody asked it to stop; what is done stays, and the next one goes on there. */
export class ExportStopped extends ExportError {
  constructor() {
    super('The export was stopped. The next one goes on where it was.');
  }
}
