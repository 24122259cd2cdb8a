// Query parameters of a call, validated by its own schema.

import { type TSchema, Type } from '@sinclair/typebox';
import type { TypeCheck } from '@sinclair/typebox/compiler';
import type { Call } from '../call.ts';
import { calls } from '../calls.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { checkOf } from '../schemas/check-of.ts';
import { closed } from '../schemas/scalars.ts';
import { collect, isPlainText, TEXT_RULE } from '../schemas/validation.ts';

export type QueryValues = Readonly<Record<string, string | number>>;

interface Reader {
  readonly check: () => TypeCheck<TSchema>;
  readonly numeric: ReadonlySet<string>;
}

const NONE: QueryValues = Object.freeze({});
const readers = new Map<string, Reader>(calls.map((call) => [call.id, readerOf(call)]));

/** The parameters of a query string, or what is wrong with them. Unknown and repeated ones are refused. */
export function readQuery(
  call: Call,
  query: string,
): { values: QueryValues } | { problem: Problem } {
  if (query === '') return { values: NONE };
  const reader = readers.get(call.id);
  if (reader === undefined) return { values: NONE };
  const values: Record<string, string | number> = {};
  for (const [name, text] of new URLSearchParams(query)) {
    if (Object.hasOwn(values, name)) {
      return {
        problem: invalid([{ path: name.slice(0, 64), message: 'is there more than once' }]),
      };
    }
    if (name === '__proto__')
      return { problem: invalid([{ path: name, message: 'is not a parameter' }]) };
    if (!isPlainText(text))
      return { problem: invalid([{ path: name.slice(0, 64), message: TEXT_RULE }]) };
    values[name] = reader.numeric.has(name) && NUMBER.test(text) ? Number(text) : text;
  }
  const check = reader.check();
  if (check.Check(values)) return { values };
  return { problem: invalid(collect(check.Errors(values))) };
}

const NUMBER = /^\d{1,16}(?:\.\d{1,6})?$/;

function readerOf(call: Call): Reader {
  const fields = call.query ?? {};
  const numeric = Object.entries(fields)
    .filter(([, schema]) => schema.type === 'integer' || schema.type === 'number')
    .map(([name]) => name);
  return { check: checkOf(Type.Object(fields, closed)), numeric: new Set(numeric) };
}
