/** No text of a page that is recorded is longer. */
export const MAX_TEXT_CHARS = 100;

/**
 * Nine digits or more with little between them, and no letter: payment cards have 13 to 19, social security numbers
 * 9, account and phone numbers as many. Prices and years have fewer; a long order number goes too.
 */
const MIN_DIGITS = 9;
const MAX_BETWEEN = 3;
const WITHOUT_LETTERS = /[^\p{L}]+/gu;
const DIGIT = /\p{Nd}/u;
const EMAIL = /[^\s@<>/]+@[^\s@<>/]+/gu;

/**
 * Text of a page as it may be recorded: one line, without email addresses and long numbers, and cut. What the cut
 * goes through is left out whole, since half of a number would not be known as one.
 */
export function maskText(text: string, maxChars = MAX_TEXT_CHARS): string {
  const isCut = text.length > maxChars * 2;
  const read = isCut
    ? text
        .slice(0, maxChars * 2)
        .replace(/\S{0,64}$/, '')
        .replace(/[^\p{L}]+$/u, '')
    : text;
  return read
    .replace(EMAIL, '[email]')
    .replace(WITHOUT_LETTERS, hideNumbers)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, maxChars);
}

/**
 * Of text without letters. One regular expression would say it all, but these classes are large: with a repetition within a
 * repetition a browser takes a second, once, to compile it.
 */
function hideNumbers(text: string): string {
  let shown = '';
  /** From the first digit of what may become a number on. */
  let run: string[] = [];
  let digits = 0;
  let lastDigitAt = 0;
  const endRun = (): void => {
    const number = run.splice(0, lastDigitAt + 1).join('');
    shown += (digits < MIN_DIGITS ? number : '[number]') + run.join('');
    run = [];
    digits = 0;
  };
  for (const character of text) {
    const isDigit = DIGIT.test(character);
    if (run.length > 0 && !isDigit && run.length - lastDigitAt > MAX_BETWEEN) endRun();
    if (isDigit || run.length > 0) run.push(character);
    else shown += character;
    if (!isDigit) continue;
    lastDigitAt = run.length - 1;
    digits += 1;
  }
  if (run.length > 0) endRun();
  return shown;
}

const SECRET_WORDS = [
  ...[
    'pass',
    'passwd',
    'password',
    'passphrase',
    'passcode',
    'pwd',
    'pw',
    'pin',
    'otp',
    'totp',
    'mfa',
    'secret',
    'token',
  ],
  ...[
    'card',
    'cardnumber',
    'creditcard',
    'cc',
    'ccnum',
    'ccnumber',
    'cvc',
    'cvv',
    'csc',
    'pan',
    'expiry',
    'iban',
    'bic',
  ],
  ...[
    'account',
    'routing',
    'ssn',
    'sin',
    'nin',
    'social',
    'tax',
    'passport',
    'licence',
    'license',
    'captcha',
    'csrf',
  ],
];
const SECRET_NAME = new RegExp(
  `(^|[^a-z])(${SECRET_WORDS.join('|')})([^a-z]|$)|passw|secret|security.?code|credit.?card`,
);
const SECRET_PURPOSE = /(^|\s)(cc-\S+|\S*password|one-time-code)(\s|$)/;

/** What a form's field says of itself; empty where it says nothing. */
export interface FieldSigns {
  readonly type: string;
  readonly autocomplete: string;
  /** Name, ID, label: words that people read or write. */
  readonly names: readonly string[];
}

/** Whether a field is never to be read, whatever its page allows. */
export function isSecretField({ type, autocomplete, names }: FieldSigns): boolean {
  if (['password', 'hidden', 'file'].includes(type.toLowerCase())) return true;
  if (SECRET_PURPOSE.test(autocomplete.toLowerCase())) return true;
  return names.some((name) => SECRET_NAME.test(name.replace(/([a-z\d])([A-Z])/g, '$1 $2').toLowerCase()));
}
