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

export function changedAnswer<T>(
  changed: Changed<T>,
  unknown: Problem,
  show: (shown: T) => object,
): Answer {
  if (changed.is === 'unknown') return unknown;
  if (changed.is === 'reused') return { code: 'idempotency.reused' };
  return { status: 200, body: show(changed.shown) };
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

function pageOf({ limit, cursor }: QueryValues): PageOf | Problem {
  const after = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : null;
  if (after !== null && !PLACE.test(after)) {
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
