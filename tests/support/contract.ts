// Holds what the switch answers against the schemas that its OpenAPI document is made of.

import type { TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { isProblemCode, problems } from '../../src/protocols/problems.ts';
import * as shown from '../../src/protocols/schemas/responses.ts';

/** What does not fit; fields that the schema does not know are named too, since then the document is behind. */
export function contractViolations(schema: TSchema, value: unknown): string[] {
  const check = TypeCompiler.Compile(closedDeep(schema) as TSchema);
  return [...check.Errors(value)].map(({ path, message }) => `${path}: ${message}`);
}

/** What is wrong with a problem document; members beside those that all have are its code’s own. */
export function problemViolations(status: number, body: unknown): string[] {
  const violations = TypeCompiler.Compile(shown.problem).Errors(body);
  const found = [...violations].map(({ path, message }) => `${path}: ${message}`);
  const { code } = (body ?? {}) as { code?: string };
  if (code === undefined || !isProblemCode(code)) return [...found, `unknown code ${code}`];
  return problems[code].status === status ? found : [...found, `${code} is not ${status}`];
}

/** The schema with every object closed, but those that are free on purpose. */
function closedDeep(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(closedDeep);
  const copy: Record<string | symbol, unknown> = {};
  for (const key of Reflect.ownKeys(value)) {
    copy[key] = closedDeep((value as Record<string | symbol, unknown>)[key]);
  }
  const properties = copy.properties as object | undefined;
  if (properties !== undefined && Object.keys(properties).length > 0)
    copy.additionalProperties = false;
  return copy;
}
