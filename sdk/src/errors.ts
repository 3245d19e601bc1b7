/** The one error of trackers, from `createTracker` only: nothing that a page calls later may break it. */
export function optionsError(names: readonly string[]): TypeError {
  return new TypeError(`throughline: missing, bad or unknown option: ${names.join(', ')}`);
}

/** Of React's and Vue's entries, while a page is built: what is used below it has to be given first. */
export function providerError(name: string): Error {
  return new Error(`throughline: no ${name}`);
}
