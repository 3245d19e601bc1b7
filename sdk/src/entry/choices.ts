import { optionsError } from '../errors';

/**
 * The options of an entry point with defaults in place of what is absent or undefined.
 *
 * @throws TypeError that names every option that is unknown or of another type than its default
 */
export function resolveChoices<Choices extends object>(defaults: Choices, given: object = {}): Choices {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  const bad = said.filter(([name, value]) => {
    const standard = (defaults as Readonly<Record<string, unknown>>)[name];
    return typeof value !== typeof standard || Array.isArray(value) !== Array.isArray(standard);
  });
  if (bad.length > 0) throw optionsError(bad.map(([name]) => name));
  return { ...defaults, ...Object.fromEntries(said) };
}

/**
 * The options as a script tag's data attributes say them: `data-rage-clicks`, `data-clicks="false"`, and lists
 * with spaces between.
 */
export function readChoices<Choices extends object>(
  defaults: Choices,
  data: Readonly<Record<string, string | undefined>>,
): Choices {
  const given = Object.entries(defaults).flatMap(([name, standard]) => {
    const text = data[name];
    if (text === undefined) return [];
    return [[name, Array.isArray(standard) ? text.split(/\s+/).filter(Boolean) : text !== 'false'] as const];
  });
  return { ...defaults, ...Object.fromEntries(given) };
}
