import { isUuid, THROUGHLINE_NAMESPACE, uuidV5 } from './uuid';

/** The ID under which an event is stored: a UUID stays itself, anything else becomes one by its whole text. */
export function storedIdOf(messageId: string): string {
  return isUuid(messageId) ? messageId.toLowerCase() : uuidV5(THROUGHLINE_NAMESPACE, messageId);
}
