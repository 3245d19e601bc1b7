/**
 * Every error that the API answers with: its HTTP status and what it says when nothing more exact is known.
 * docs/errors.md lists them and is tested against this table.
 */
export const API_ERRORS = {
  invalid_json: { status: 400, message: 'The body is not valid JSON in UTF-8.' },
  invalid_body: { status: 400, message: 'The body has not the expected shape.' },
  invalid_request: { status: 400, message: 'The request is not valid; detail names each fault.' },
  invalid_event: { status: 400, message: 'The event was refused.' },
  invalid_cursor: { status: 400, message: 'The cursor is not one that this list gave out.' },
  invalid_decision: {
    status: 400,
    message: 'The decision is not valid; detail names each fault by its path.',
  },
  invalid_rule: { status: 400, message: 'The rule is not valid; detail names each fault by its path.' },
  too_slow: { status: 400, message: 'The answer would have taken too long; ask for less.' },
  unauthorized: { status: 401, message: 'A valid key is required.' },
  forbidden_origin: { status: 403, message: 'This origin may not do that.' },
  not_found: { status: 404, message: 'There is no such thing here.' },
  request_timeout: { status: 408, message: 'Nothing arrived for too long.' },
  audience_in_use: {
    status: 409,
    message: 'The rules of other audiences, or of decisions, read its members.',
  },
  decision_changed: {
    status: 409,
    message: 'Another version has been written since the one on which this is based.',
  },
  erasure_running: {
    status: 409,
    message: 'Somebody among them is being erased; ask again when that is done.',
  },
  export_not_configured: {
    status: 409,
    message: 'Nobody has set where exports go: THROUGHLINE_EXPORT_DIR, or THROUGHLINE_EXPORT_BUCKET_URL.',
  },
  export_running: { status: 409, message: 'An export runs; ask again when it has ended, or cancel it.' },
  key_taken: { status: 409, message: 'The key is taken.' },
  last_secret: { status: 409, message: 'Nothing could be signed without it; add another one first.' },
  link_conflict: { status: 409, message: 'A link is one hop: another link stands in the way.' },
  not_static: { status: 409, message: 'Its members are those for whom its rule holds; nobody is listed.' },
  profile_erased: { status: 409, message: 'It names somebody who was erased.' },
  rebuild_cancelled: {
    status: 409,
    message: 'The rebuild was cancelled; the members are those from before.',
  },
  rebuild_running: { status: 409, message: 'A rebuild runs; ask again when it has ended, or cancel it.' },
  secrets_full: { status: 409, message: 'Two secrets are live; remove one first.' },
  payload_too_large: { status: 413, message: 'The body is too large.' },
  unsupported_media_type: {
    status: 415,
    message: 'This type of content is not taken here.',
  },
  internal: { status: 500, message: 'Something went wrong here; the log has the details.' },
  overloaded: {
    status: 503,
    message: 'Too much is waiting to be written; nothing of this request was kept.',
  },
  unavailable: { status: 503, message: 'The database does not answer; send the same again.' },
  shutting_down: { status: 503, message: 'The collector is shutting down; send the same again.' },
} as const;

export type ApiErrorCode = keyof typeof API_ERRORS;

/** Seconds after which a client may try again, on every 503. */
export const RETRY_AFTER_SECONDS = 2;

/** A broken request, or one that cannot be served now. What is wrong with a single event is a verdict, not an error. */
export class ApiError extends Error {
  readonly status: number;

  constructor(
    readonly code: ApiErrorCode,
    message?: string,
    readonly detail?: unknown,
  ) {
    super(message ?? API_ERRORS[code].message);
    this.status = API_ERRORS[code].status;
  }
}

/** The body of an error answer. */
export function errorBody(error: ApiError): { error: { code: string; message: string; detail?: unknown } } {
  const { code, message, detail } = error;
  return { error: { code, message, ...(detail === undefined ? {} : { detail }) } };
}
