/**
 * Classes and codes by which Postgres says that it cannot serve now (appendix A of its manual): connection exception,
 * insufficient resources, operator intervention, and single codes for a read-only (failed over) server, a lock that
 * was waited for too long, rejected passwords while a server is being set up, and transactions that got into each
 * other's way more often than they are tried again.
 */
const CLASSES = ['08', '53', '57', '58'];
const CODES = ['25006', '55P03', '28P01', '28000', '3D000', '40001', '40P01'];
const NETWORK = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'ENOENT',
  'EHOSTUNREACH',
  'EAI_AGAIN',
];
/** pg has no codes for these. */
const MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|server closed the connection|Query read timeout/i;

/** Whether the error says that the database is away rather than that something is wrong with the query. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') {
    return (
      NETWORK.includes(code) ||
      CODES.includes(code) ||
      (code.length === 5 && CLASSES.includes(code.slice(0, 2)))
    );
  }
  return (
    MESSAGES.test(error.message) || ('errors' in error && (error.errors as unknown[]).some(isUnavailable))
  );
}
