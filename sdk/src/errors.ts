/** The one error this library throws, from `createTracker` only: nothing that a page calls later may break it. */
export function optionsError(names: readonly string[]): TypeError {
  return new TypeError(`throughline: missing, bad or unknown option: ${names.join(', ')}`);
}
