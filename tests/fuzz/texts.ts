// Small texts: ids, times, cursors, query strings, scanned codes, headers. What is taken goes back to the text that it
// came from, or to one that means the same.

import {
  parseBillId,
  parsePartId,
  parseReference,
  partId,
  shardOfBill,
} from '../../src/domain/ids.ts';
import type { Millis } from '../../src/domain/time.ts';
import { calls } from '../../src/protocols/calls.ts';
import { isTraceparent, takeRequestId } from '../../src/protocols/gateway/correlation.ts';
import { readCursor, writeCursor } from '../../src/protocols/gateway/cursor.ts';
import { readFilter } from '../../src/protocols/gateway/lists.ts';
import { keyOfHeader } from '../../src/protocols/gateway/principals.ts';
import { readQuery } from '../../src/protocols/gateway/query.ts';
import { findCall } from '../../src/protocols/gateway/router.ts';
import { formatTime, parseTime } from '../../src/protocols/wire-time.ts';
import type { Choices } from './choices.ts';
import { oddKey, oddNumber, oddText } from './odd-values.ts';
import { checkProblem } from './operations.ts';
import { promise, type Target } from './target.ts';

const BILL = '01JB3M0Q2V00AZ4R8XN5T6K9WC';
const TIMES = [
  '2026-01-31T09:30:00.000Z',
  '1970-01-01T00:00:00Z',
  '2999-12-31T23:59:59.999999999Z',
  '2024-02-29t23:59:59.5+23:59',
  '1969-12-31T23:59:59-00:01',
];

/** A text with a change or two, or anything at all. */
export function nearly(choices: Choices, text: string): string {
  if (choices.chance(0.1)) return oddText(choices);
  let changed = text;
  for (let left = choices.below(3); left > 0; left--) {
    const at = choices.below(changed.length + 1);
    const put = choices.chance(0.5)
      ? choices.pick([
          ...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcxyz-_:.+=&%/ \t\n\0\u00e9\u{1f600}',
        ])
      : oddText(choices).slice(0, 6);
    changed = changed.slice(0, at) + put + changed.slice(at + choices.below(3));
  }
  return changed;
}

function checkIds(choices: Choices): void {
  const text = nearly(choices, choices.pick([BILL, `${BILL}-p1`, `${BILL}-e999999999`, 'order-1']));
  const bill = parseBillId(text);
  if (bill !== undefined) {
    promise(bill === text && text.length === 26, 'a bill id is not its text', text);
    const shard = shardOfBill(bill);
    promise(Number.isInteger(shard) && shard >= 0 && shard < 32_768, 'a bill id of no shard', text);
  }
  for (const kind of ['p', 'c', 'e', 'r'] as const) {
    const part = parsePartId(text, kind);
    if (part === undefined) continue;
    promise(partId(part.billId, kind, part.no) === text, 'an id is not its text', text);
    promise(parseBillId(part.billId) !== undefined && part.no > 0, 'a part of no bill', text);
  }
  const reference = parseReference(text);
  if (reference === undefined) return;
  const isOne = text.length >= 1 && text.length <= 64 && !/[^\w.:-]/.test(text);
  promise(isOne && reference === text, 'a reference that is none', text);
}

function checkTime(choices: Choices): void {
  const text = nearly(choices, choices.pick(TIMES));
  const at = parseTime(text);
  if (at === undefined) return;
  promise(Number.isInteger(at) && at >= 0 && at <= 32_503_679_999_999, 'a time out of range', text);
  promise(parseTime(formatTime(at)) === at, 'a time that does not come back', text);
  // JavaScript reads these too, where a T stands between day and hour.
  const other = Date.parse(text.replace(/[t ]/, 'T').replace('z', 'Z'));
  promise(Number.isNaN(other) || other === at, 'another time than JavaScript reads', text);
}

function checkCursor(choices: Choices): void {
  const parts = [
    choices.chance(0.3) ? oddNumber(choices) : choices.below(2 ** 31),
    choices.chance(0.3) ? oddText(choices) : BILL,
    choices.chance(0.3) ? oddNumber(choices) : choices.below(1_000),
    choices.below(2 ** 31),
  ];
  const encoded = Buffer.from(JSON.stringify(parts)).toString('base64url');
  const text = choices.chance(0.7) ? encoded : nearly(choices, encoded);
  const cursor = readCursor(text);
  if (cursor === undefined) return;
  const { place, asOf } = cursor;
  promise(
    isTime(place.at) && isTime(asOf) && /^[0-9A-Z]{26}$/.test(place.id) && place.no < 2 ** 31,
    'a cursor that history cannot be asked with',
    text,
  );
  const again = readCursor(writeCursor(cursor));
  promise(JSON.stringify(again) === JSON.stringify(cursor), 'a cursor does not come back', text);
}

function isTime(at: Millis): boolean {
  return Number.isSafeInteger(at) && at >= 0 && at <= 32_503_679_999_999;
}

const PARAMETERS = [...new Set(calls.flatMap((call) => Object.keys(call.query ?? {})))];

function checkQuery(choices: Choices): void {
  const call = choices.pick(calls.filter(({ query }) => query !== undefined));
  const pairs = choices.several(4, () => {
    const name = choices.chance(0.1) ? oddKey(choices) : choices.pick(PARAMETERS);
    const value = choices.chance(0.5) ? queryValue(choices, name) : oddText(choices);
    const written = choices.chance(0.7) ? encodeURIComponent(wellFormed(value)) : value;
    return `${choices.chance(0.9) ? encodeURIComponent(wellFormed(name)) : name}=${written}`;
  });
  const query = pairs.join('&');
  const read = readQuery(call, query);
  if ('problem' in read) {
    checkProblem(read.problem, query);
    return;
  }
  for (const [name, value] of Object.entries(read.values)) {
    promise(call.query?.[name] !== undefined, `${name} is no parameter of ${call.id}`, query);
    promise(typeof value === 'string' || Number.isFinite(value), `${name} is no value`, query);
  }
  const filter = readFilter(read.values);
  if ('problem' in filter) checkProblem(filter.problem, query);
  else promise(filter.limit >= 1 && filter.limit <= 100, 'a page of no size', query);
}

function queryValue(choices: Choices, name: string): string {
  if (name === 'from' || name === 'to') return choices.pick(TIMES);
  if (name === 'after') return `${BILL}-e1`;
  if (name === 'status') return choices.pick(['open', 'paid', 'pending', 'accepted']);
  if (name === 'ecc') return choices.pick(['L', 'M', 'q']);
  return choices.pick([
    '0',
    '1',
    '30',
    '100',
    '1.5',
    '1e3',
    '0x10',
    '٣',
    '9999999999999999',
    '256',
  ]);
}

function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '\ufffd');
}

function checkPath(choices: Choices): void {
  const call = choices.pick(calls);
  const filled = call.path.replaceAll(/\{\w+\}/g, () =>
    choices.chance(0.5) ? BILL : encodeURIComponent(wellFormed(oddText(choices))),
  );
  const path = choices.chance(0.6) ? filled : nearly(choices, filled);
  const method = choices.pick(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', '', '__proto__']);
  const found = findCall(method, path);
  if (found.found === 'call') {
    promise(
      Object.keys(found.params).length === found.call.path.split('{').length - 1,
      'a parameter is missing',
      path,
    );
  }
  if (found.found === 'otherMethod') promise(found.allow !== '', 'no method is allowed', path);
}

function checkHeaders(choices: Choices): void {
  const authorization = nearly(choices, 'Bearer demo_terminal_key-1');
  const key = keyOfHeader(authorization);
  if (key !== undefined) {
    promise(
      /^[!-~]{1,256}$/.test(key) && authorization.includes(key),
      'a key that no header can carry',
      authorization,
    );
  }
  const requestId = nearly(choices, choices.pick(['my-request.1', 'x'.repeat(128)]));
  const taken = takeRequestId(requestId);
  // It stands in a header and in a log line as it is.
  promise(
    taken === undefined || /^[!-~]{1,128}$/.test(taken),
    'an id that splits lines',
    requestId,
  );
  const trace = nearly(choices, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  promise(!isTraceparent(trace) || /^[0-9a-f-]{55}$/.test(trace), 'no traceparent', trace);
}

const target = (name: string, run: (choices: Choices) => void): Target => ({
  name,
  group: 'texts',
  run,
});

export const textTargets: readonly Target[] = [
  target('ids and references', checkIds),
  target('times', checkTime),
  target('cursors', checkCursor),
  target('query strings', checkQuery),
  target('paths and methods', checkPath),
  target('headers', checkHeaders),
];
