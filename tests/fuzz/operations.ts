// From bodies to operations, as each encoding brings them: what is taken satisfies the documented schema by a checker
// that shares no code with the one that took it, what is refused is a problem of the 4xx kind that names its field, and
// JSON and msgpack are judged alike.

import { isDeepStrictEqual } from 'node:util';
import { readJson } from '../../src/protocols/gateway/exchange.ts';
import { hashOfKey } from '../../src/protocols/gateway/principals.ts';
import { MsgpackRefusal, unpack } from '../../src/protocols/msgpack.ts';
import {
  isProblem,
  type ReadingContext,
  type SingleOperation,
} from '../../src/protocols/operations/addressing.ts';
import { readOperation } from '../../src/protocols/operations/read-operation.ts';
import { type Problem, problemBody } from '../../src/protocols/problem-document.ts';
import { problems } from '../../src/protocols/problems.ts';
import { requests } from '../../src/protocols/schemas/requests.ts';
import { LIMITS } from '../../src/protocols/schemas/scalars.ts';
import type { Principal } from '../../src/switch/principal.ts';
import { keys, makePrincipals } from '../support/fake-door.ts';
import { faultsOf } from '../support/json-schema.ts';
import { payers } from '../support/payers.ts';
import { codesAt, NO_FORMATS } from '../support/qr-claims.ts';
import { noTariffs } from '../support/tariffs.ts';
import { nearlyFittingBody } from './bodies.ts';
import { depthOf, type Odd } from './odd-values.ts';
import { BrokenPromise, jsonFault, promise, type Target } from './target.ts';
import { jsonText, msgpackBytes } from './writers.ts';

export const NAMES = Object.keys(requests).filter(
  (name) => name !== 'event.ack' && name !== 'ping',
) as SingleOperation[];

const context: ReadingContext = {
  shards: 8,
  codes: codesAt('https://pay.example'),
  hosted: NO_FORMATS,
  acquirers: [],
  payers,
  tariffs: noTariffs,
  wall: () => 1_760_000_000_000,
};
const terminal = makePrincipals().get(hashOfKey(keys.terminal)) as Principal;

/** Refusals are for the caller to mend, say where, and tell nothing else. */
export function checkProblem(problem: Problem, input: unknown): void {
  const { status } = problems[problem.code];
  promise(status >= 400 && status < 500, `${problem.code} is no answer to a bad request`, input);
  if (problem.code === 'request.invalid') {
    const errors = problem.errors ?? [];
    promise(
      errors.length > 0 && errors.length <= 20,
      'a refusal does not say what is wrong',
      input,
    );
    for (const { path, message } of errors) {
      promise(
        typeof path === 'string' && path.length < 300 && message !== '',
        'a fault without a place',
        input,
      );
    }
  }
  // The document must reach the client whole, whatever stood in the request.
  const document = JSON.stringify(problemBody(problem, 'r-1'));
  promise(
    jsonFault(JSON.parse(document), 20) === undefined,
    'a problem holds what is no text',
    document,
  );
  promise(document.length < 16_384, 'a problem is as large as a request', document.length);
}

type Judgement = { readonly code: string } | { readonly operation: unknown };

function judged(name: SingleOperation, body: unknown): Judgement {
  const before = JSON.stringify(body);
  const result = readOperation(name, body, terminal, context);
  if (result instanceof Promise) throw new BrokenPromise('it asks a driver');
  if (isProblem(result)) {
    checkProblem(result, body);
    return { code: result.code };
  }
  const faults = faultsOf(body, requests[name]);
  promise(faults.length === 0, `${name} was taken, but ${faults.join('; ')}`, body);
  const unfit = jsonFault(body, LIMITS.jsonDepth + 4);
  promise(unfit === undefined, `${name} was taken, but${unfit}`, body);
  promise(
    isDeepStrictEqual(JSON.parse(before), normal(body)),
    `${name} was taken, but would not be stored as it came`,
    body,
  );
  promise(result.shard >= 0 && result.shard < context.shards, 'there is no such shard', body);
  const { operation } = result;
  if (operation.op !== 'bill.create') return { operation };
  // Its id is drawn anew each time.
  return { operation: { ...operation, terms: { ...operation.terms, id: '' } } };
}

/** JSON does not know −0. */
function normal(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(normal);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normal(item)]));
}

function byJson(name: SingleOperation, text: string): Judgement {
  const read = readJson(Buffer.from(text));
  if ('value' in read) return judged(name, read.value);
  checkProblem(read.problem, text);
  return { code: UNREAD };
}

function byMsgpack(name: SingleOperation, bytes: Buffer): Judgement {
  let body: unknown;
  try {
    body = unpack(bytes, LIMITS.jsonDepth + 4);
  } catch (error) {
    if (error instanceof MsgpackRefusal) return { code: UNREAD };
    throw new BrokenPromise('the reader threw', { cause: error });
  }
  return judged(name, body);
}

/** Its encoding already says what this one may not; the other one may find another fault first. */
const UNREAD = 'unread';
/** Codes that say, each in its way, that the body itself was wrong. */
const MALFORMED = new Set(['request.invalid']);

function areAlike(json: string, msgpack: string): boolean {
  if (json === msgpack || json === UNREAD || msgpack === UNREAD) return true;
  return MALFORMED.has(json) && MALFORMED.has(msgpack);
}

export const operationTargets: readonly Target[] = NAMES.map((name) => ({
  name: `${name}: bodies that nearly fit`,
  group: 'json' as const,
  run(choices): void {
    const body: Odd = nearlyFittingBody(choices, name);
    const json = byJson(name, jsonText(choices, body));
    const msgpack = byMsgpack(name, msgpackBytes(choices, body));
    if (depthOf(body) > LIMITS.jsonDepth) return;
    if ('code' in json && 'code' in msgpack) {
      promise(areAlike(json.code, msgpack.code), 'refused for different reasons', body);
      return;
    }
    promise(
      isDeepStrictEqual(normal(json), normal(msgpack)),
      `JSON: ${JSON.stringify(json)}, msgpack: ${JSON.stringify(msgpack)}`,
      body,
    );
  },
}));
