// What all calls of operators share: what they were asked, and how changes and lists are answered.

import { millis } from '../../domain/time.ts';
import type { Acting, Changed, PageOf, Scope } from '../../switch/operator-desk.ts';
import type { Clock } from '../../switch/ports.ts';
import type { Principal } from '../../switch/principal.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { LIMITS } from '../schemas/scalars.ts';
import { formatTime } from '../wire-time.ts';
import type { QueryValues } from './query.ts';

/** What is answered: a body with its status, or a problem. */
export type Answer = { readonly status: 200 | 201; readonly body: object } | Problem;

export interface Asked {
  readonly operator: Principal;
  readonly acting: Acting;
  readonly params: Readonly<Record<string, string>>;
  readonly query: QueryValues;
  readonly body: Readonly<Record<string, unknown>>;
}

export type Answering = (asked: Asked) => Promise<Answer>;

export const FORBIDDEN: Problem = {
  code: 'request.forbidden',
  detail: 'The role of this operator does not take in this call.',
};

/** Why an operator may not do what the role does not take in, or does not while it is suspended. */
export function refusalOf(operator: Principal): Problem {
  return operator.suspended ? { code: 'request.suspended' } : FORBIDDEN;
}

/** `statusWhenDone`: 201 where something was made; a repeat is answered 200. */
export function changedAnswer<T>(
  changed: Changed<T>,
  unknown: Problem,
  show: (shown: T, key: string | null) => object,
  statusWhenDone: 200 | 201 = 200,
): Answer {
  if (changed.is === 'unknown') return unknown;
  if (changed.is === 'reused') return { code: 'idempotency.reused' };
  const status = changed.is === 'done' ? statusWhenDone : 200;
  return { status, body: show(changed.shown, changed.key) };
}

/** What was looked for, as it is shown; null: `unknown`. */
export function foundAnswer<T>(
  found: T | null,
  unknown: Problem,
  show: (found: T) => object,
): Answer {
  return found === null ? unknown : { status: 200, body: show(found) };
}

/** The page that is asked for, of what `find` finds. */
export async function pageAnswer<T extends { readonly id: string }>(
  { acting, query }: Asked,
  clock: Clock,
  show: (item: T) => object,
  find: (scope: Scope, page: PageOf) => Promise<readonly T[]>,
): Promise<Answer> {
  const page = pageOf(query);
  if ('code' in page) return page;
  const found = await find(acting.scope, { ...page, limit: page.limit + 1 });
  return listAnswer(found, page.limit, clock.wall(), show);
}

/** One more than asked for tells whether there is a next page. */
export function listAnswer<T extends { readonly id: string }>(
  found: readonly T[],
  limit: number,
  now: number,
  show: (item: T) => object,
): Answer {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const nextCursor =
    found.length > limit && last !== undefined ? Buffer.from(last.id).toString('base64url') : null;
  const body = { items: items.map(show), nextCursor, asOf: formatTime(millis(now)) };
  return { status: 200, body };
}

const PLACE = /^[a-z]{3}_[\w-]{1,60}$/;

/** The page that is asked for; `isPlace`: whether a list could have given its cursor. */
export function pageOf(
  { limit, cursor }: QueryValues,
  isPlace: (after: string) => boolean = (after) => PLACE.test(after),
): PageOf | Problem {
  const after = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : null;
  if (after !== null && !isPlace(after)) {
    return invalid([{ path: 'cursor', message: 'is not a cursor that a list gave' }]);
  }
  return { limit: typeof limit === 'number' ? limit : LIMITS.page, after };
}

export function textOf(value: string | number | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

export function timeOf(at: number | null): string | null {
  return at === null ? null : formatTime(millis(at));
}
