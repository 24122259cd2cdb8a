// Holds what the switch answers against the schemas that its OpenAPI document is made of.

import type { TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { calls } from '../../src/protocols/calls.ts';
import { findCall } from '../../src/protocols/gateway/router.ts';
import { isProblemCode, problems } from '../../src/protocols/problems.ts';
import * as told from '../../src/protocols/schemas/event-responses.ts';
import * as shown from '../../src/protocols/schemas/responses.ts';

/** What does not fit; fields that the schema does not know are named too, since then the document is behind. */
export function contractViolations(schema: TSchema, value: unknown): string[] {
  const check = TypeCompiler.Compile(closedDeep(schema) as TSchema);
  return [...check.Errors(value)].map(({ path, message }) => `${path}: ${message}`);
}

/** What is wrong with one HTTP answer, by the contract. `body` is the parsed JSON; undefined where there is none. */
export function answerViolations(answer: {
  method: string;
  path: string;
  status: number;
  body: unknown;
}): string[] {
  const found = findCall(answer.method, answer.path.split('?')[0] ?? '');
  if (found.found !== 'call')
    return answer.status === 404 || answer.status === 405 ? [] : ['no such call'];
  const { call } = found;
  if (answer.status >= 400) return problemViolations(answer.status, answer.body);
  const expected = call.answers[answer.status];
  if (expected === undefined) return [`${call.id} does not answer ${answer.status}`];
  if (expected.schema === null) return answer.body === undefined ? [] : ['there is a body'];
  return contractViolations(expected.schema, answer.body);
}

/** The schema of an operation’s answer over WebSocket: the same as over HTTP. */
export function operationViolations(op: string, status: number, body: unknown): string[] {
  if (status >= 400) return problemViolations(status, body);
  if (op === 'event.ack') return contractViolations(told.acknowledged, body);
  const expected = calls.find((call) => call.id === op)?.answers[status];
  if (expected === undefined) return [`${op} does not answer ${status}`];
  if (expected.schema === null) return body === null ? [] : ['there is a body'];
  return contractViolations(expected.schema, body);
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
