/** Why an event was refused. The codes are part of the API; docs/errors.md lists them and is tested against this. */
export const REJECTION_CODES = [
  'invalid_json',
  'invalid_event',
  'invalid_type',
  'invalid_message_id',
  'invalid_identifier',
  'invalid_name',
  'invalid_properties',
  'invalid_traits',
  'invalid_context',
  'invalid_timestamp',
  'no_identity',
  'too_deep',
  'too_large',
  'not_storable',
] as const;
export type RejectionCode = (typeof REJECTION_CODES)[number];

export interface Rejection {
  readonly code: RejectionCode;
  readonly message: string;
  readonly messageId: string | null;
}

/** Thrown while an event is read, and caught where its batch is: only the event is refused. */
export class Refused extends Error {
  constructor(
    readonly code: RejectionCode,
    message: string,
  ) {
    super(message);
  }
}
