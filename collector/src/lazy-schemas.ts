import AjvCompiler from '@fastify/ajv-compiler';
import SerializerSelector from '@fastify/fast-json-stringify-compiler';
import type { FastifyServerOptions } from 'fastify';

type Compilers = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;

interface Validate {
  (value: unknown): unknown;
  /** Of the last call. */
  errors?: unknown;
}
type Serialize = (value: unknown) => string;

/** What makes of schemas that routes share a compiler of a route's own. */
type Factory<Compiled> = (...shared: readonly never[]) => (route: never) => Compiled;

/**
 * Fastify's own compilers, of which each schema waits until its route is asked for the first time: there are about a
 * hundred routes, to compile all takes half a second of a start, and most starts are followed by calls of a few.
 */
export const LAZY_COMPILERS: Compilers = {
  buildValidator: lazily(AjvCompiler() as Factory<Validate>, (find) => {
    const validate: Validate = (value) => {
      const compiled = find();
      const isValid = compiled(value);
      validate.errors = compiled.errors;
      return isValid;
    };
    return validate;
  }) as NonNullable<Compilers['buildValidator']>,
  buildSerializer: lazily(
    SerializerSelector() as Factory<Serialize>,
    (find): Serialize =>
      (value) =>
        find()(value),
  ) as NonNullable<Compilers['buildSerializer']>,
};

function lazily<Compiled>(
  build: Factory<Compiled>,
  wrap: (find: () => Compiled) => Compiled,
): Factory<Compiled> {
  return (...shared) => {
    let compile: ReturnType<typeof build> | undefined;
    return (route) => {
      let compiled: Compiled | undefined;
      return wrap(() => (compiled ??= (compile ??= build(...shared))(route)));
    };
  };
}
