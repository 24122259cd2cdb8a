// Reads what a client sent against its schema. The common case is one compiled check; what is wrong is worked out only
// once something is.

import type { TSchema } from '@sinclair/typebox';
import {
  type TypeCheck,
  TypeCompiler,
  type ValueError,
  ValueErrorType,
} from '@sinclair/typebox/compiler';
import type { Violation } from '../problems.ts';
import { type RequestBody, type RequestName, requests } from './requests.ts';
import { EXPLAIN, LIMITS } from './scalars.ts';

/** No more than these are named in one answer. */
export const VIOLATIONS_MAX = 20;

type Checks = { readonly [Name in RequestName]: TypeCheck<TSchema> };

const checks = Object.fromEntries(
  Object.entries(requests).map(([name, schema]) => [name, TypeCompiler.Compile(schema as TSchema)]),
) as unknown as Checks;

/** What is wrong with a body; undefined where nothing is, so that the body may be taken for what its schema says. */
export function violationsOf(name: RequestName, body: unknown): Violation[] | undefined {
  const check = checks[name];
  if (check.Check(body)) return undefined;
  return collect(check.Errors(body));
}

/** The same body, now known to fit. Call only after `violationsOf` found nothing. */
export function asBody<Name extends RequestName>(_name: Name, body: unknown): RequestBody<Name> {
  return body as RequestBody<Name>;
}

/** At most VIOLATIONS_MAX of the errors, one a path. */
export function collect(errors: Iterable<ValueError>): Violation[] {
  const found: Violation[] = [];
  const seen = new Set<string>();
  for (const error of errors) {
    const path = fieldPath(error.path);
    if (seen.has(path)) continue;
    seen.add(path);
    found.push({ path, message: messageOf(error) });
    if (found.length === VIOLATIONS_MAX) break;
  }
  return found;
}

function messageOf(error: ValueError): string {
  switch (error.type) {
    case ValueErrorType.ObjectRequiredProperty:
      return 'is missing';
    case ValueErrorType.ObjectAdditionalProperties:
      return 'is not a field of this request';
    default:
      return (error.schema as { [EXPLAIN]?: string })[EXPLAIN] ?? error.message;
  }
}

/** `/lines/0/amount` as a person writes it: `lines[0].amount`. Cut, since a client may choose its own key. */
function fieldPath(pointer: string): string {
  let path = '';
  for (const raw of pointer.split('/').slice(1)) {
    const part = raw.replaceAll('~1', '/').replaceAll('~0', '~').slice(0, 64);
    if (/^\d+$/.test(part)) path += `[${part}]`;
    else path += path === '' ? part : `.${part}`;
    if (path.length > 200) break;
  }
  return path.replaceAll(LONE_SURROGATES, '\ufffd');
}

/**
 * What is wrong with the texts of a body, however deep: lone surrogates and U+0000, which stores refuse for ever, and
 * keys named `__proto__`. Needed only where the source can carry such text.
 */
export function textViolation(value: unknown, path = '', depth = 0): Violation | undefined {
  if (typeof value === 'string')
    return isPlainText(value) ? undefined : { path, message: TEXT_RULE };
  if (value === null || typeof value !== 'object') return undefined;
  if (depth > LIMITS.jsonDepth) {
    return { path, message: `is nested deeper than ${LIMITS.jsonDepth} levels` };
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const found = textViolation(value[i], `${path}[${i}]`, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  for (const [key, item] of Object.entries(value)) {
    if (!isPlainText(key) || key === '__proto__') {
      return {
        path: path === '' ? 'the body' : path,
        message: `has a key that is not taken: ${KEY_RULE}`,
      };
    }
    const found = textViolation(item, path === '' ? key : `${path}.${key}`, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

const LONE_SURROGATES = /\p{Surrogate}/gu;
const UNFIT = /[\p{Surrogate}\0]/u;
const TEXT_RULE = 'must be well-formed Unicode without U+0000';
const KEY_RULE = 'keys are well-formed Unicode without U+0000, and not __proto__';

/** Too many bytes of JSON for a receipt? */
export function receiptViolation(receipt: unknown): Violation | undefined {
  const found = textViolation(receipt, 'receipt');
  if (found !== undefined) return found;
  if (Buffer.byteLength(JSON.stringify(receipt)) <= LIMITS.receiptBytes) return undefined;
  return {
    path: 'receipt',
    message: `must be an object of at most ${LIMITS.receiptBytes} bytes of JSON`,
  };
}

function isPlainText(text: string): boolean {
  return !UNFIT.test(text);
}
