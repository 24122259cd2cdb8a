// Reads what a client sent against its schema. The common case is one compiled check; what is wrong is worked out only
// once something is.

import type { NumberOptions, TSchema } from '@sinclair/typebox';
import { type TypeCheck, type ValueError, ValueErrorType } from '@sinclair/typebox/compiler';
import type { Violation } from '../problem-document.ts';
import { checkOf } from './check-of.ts';
import {
  type OperatorRequestBody,
  type OperatorRequestName,
  operatorRequests,
} from './operator.ts';
import { type RequestBody, type RequestName, requests } from './requests.ts';
import { EXPLAIN, LIMITS } from './scalars.ts';

/** No more than these are named in one answer. */
export const VIOLATIONS_MAX = 20;

type AnyName = RequestName | OperatorRequestName;
type AnyBody<Name extends AnyName> = Name extends RequestName
  ? RequestBody<Name>
  : Name extends OperatorRequestName
    ? OperatorRequestBody<Name>
    : never;

/** Every request that there is, by its name. */
export const allRequests = { ...requests, ...operatorRequests };

type Checks = { readonly [Name in AnyName]: () => TypeCheck<TSchema> };

const checks = Object.fromEntries(
  Object.entries(allRequests).map(([name, schema]) => [name, checkOf(schema as TSchema)]),
) as unknown as Checks;

/** What is wrong with a body; undefined where nothing is, so that the body may be taken for what its schema says. */
export function violationsOf(name: AnyName, body: unknown): Violation[] | undefined {
  const check = checks[name]();
  if (check.Check(body)) return undefined;
  return collect(check.Errors(body));
}

/** The same body, now known to fit. Call only after `violationsOf` found nothing. */
export function asBody<Name extends AnyName>(_name: Name, body: unknown): AnyBody<Name> {
  return body as AnyBody<Name>;
}

/** At most VIOLATIONS_MAX of the errors, one a path; `document` is what the client calls what it sent. */
export function collect(errors: Iterable<ValueError>, document = 'request'): Violation[] {
  const found: Violation[] = [];
  const seen = new Set<string>();
  for (const error of errors) {
    const path = fieldPath(error.path);
    if (seen.has(path)) continue;
    seen.add(path);
    found.push({ path, message: messageOf(error, document) });
    if (found.length === VIOLATIONS_MAX) break;
  }
  return found;
}

function messageOf(error: ValueError, document: string): string {
  switch (error.type) {
    case ValueErrorType.ObjectRequiredProperty:
      return 'is missing';
    case ValueErrorType.ObjectAdditionalProperties:
      return `is not a field of this ${document}`;
    default:
      return (
        (error.schema as { [EXPLAIN]?: string })[EXPLAIN] ?? numberRule(error) ?? error.message
      );
  }
}

/** Of a number without words of its own: what it may be, and what came. */
function numberRule({ schema, value }: ValueError): string | undefined {
  if (schema.type !== 'integer' && schema.type !== 'number') return undefined;
  const { minimum, maximum, exclusiveMinimum } = schema as NumberOptions;
  const kind = schema.type === 'integer' ? 'a whole number' : 'a number';
  const above = exclusiveMinimum === undefined ? '' : ` above ${exclusiveMinimum}`;
  const from = minimum === undefined ? above : ` from ${minimum}`;
  const to = maximum === undefined ? '' : ` to ${maximum}`;
  const isShort = typeof value === 'number' || (typeof value === 'string' && value.length <= 20);
  return `must be ${kind}${from}${to}${isShort ? `, not ${JSON.stringify(value)}` : ''}`;
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
  return path;
}

/**
 * What no store could give back as it came, however deep: lone surrogates, U+0000, keys named `__proto__`, and numbers
 * that do not come back as they were sent. For what is carried as it is, and where the source can carry such text.
 */
export function jsonViolation(value: unknown, path = '', depth = 0): Violation | undefined {
  if (typeof value === 'string') {
    return isPlainText(value) ? undefined : { path, message: TEXT_RULE };
  }
  if (typeof value === 'number') {
    // JSON of 1e400 is read as Infinity, and would be written as null.
    const isExact = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
    return isExact ? undefined : { path, message: NUMBER_RULE };
  }
  if (value === null || typeof value !== 'object') return undefined;
  if (depth > LIMITS.jsonDepth) {
    return { path, message: `is nested deeper than ${LIMITS.jsonDepth} levels` };
  }
  return Array.isArray(value)
    ? firstViolation(value.entries(), (index) => `${path}[${index}]`, depth)
    : mapViolation(value, path, depth);
}

function mapViolation(map: object, path: string, depth: number): Violation | undefined {
  const hasUnfitKey = Object.keys(map).some((key) => !isPlainText(key) || key === '__proto__');
  if (hasUnfitKey) return { path, message: KEY_RULE };
  return firstViolation(
    Object.entries(map),
    (key) => (path === '' ? String(key) : `${path}.${key}`),
    depth,
  );
}

function firstViolation(
  entries: Iterable<[string | number, unknown]>,
  pathOf: (key: string | number) => string,
  depth: number,
): Violation | undefined {
  for (const [key, item] of entries) {
    const found = jsonViolation(item, pathOf(key), depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

const UNFIT = /[\p{Surrogate}\0]/u;
const NUMBER_RULE =
  'is a number that JSON does not carry exactly (integers to 2^53): send it as text';
export const TEXT_RULE = 'must be well-formed Unicode without U+0000';
const KEY_RULE =
  'has a key that is not taken: keys are well-formed Unicode without U+0000, and not __proto__';

/** Too many bytes of JSON for a receipt? */
export function receiptViolation(receipt: unknown): Violation | undefined {
  const found = jsonViolation(receipt, 'receipt');
  if (found !== undefined) return found;
  if (Buffer.byteLength(JSON.stringify(receipt)) <= LIMITS.receiptBytes) return undefined;
  return {
    path: 'receipt',
    message: `must be an object of at most ${LIMITS.receiptBytes} bytes of JSON`,
  };
}

/** What every store can carry: well-formed, and without U+0000. */
export function isPlainText(text: string): boolean {
  return !UNFIT.test(text);
}
