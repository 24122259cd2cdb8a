// Checks that are compiled once something is to be checked: there are more than a hundred, and a start needs none of them.

import type { TSchema } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';

/** The compiled check of a schema, the same one each time that it is asked for. */
export function checkOf(schema: TSchema): () => TypeCheck<TSchema> {
  let check: TypeCheck<TSchema> | undefined;
  return () => {
    check ??= TypeCompiler.Compile(schema);
    return check;
  };
}
