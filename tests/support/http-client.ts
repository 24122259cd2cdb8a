// Calls over HTTP for tests of the gateway.

import { expect } from 'vitest';
import { type Bench, keys } from './fake-door.ts';

export interface Call {
  /** Null: none. Left out: the terminal’s. */
  readonly key?: string | null;
  readonly body?: unknown;
  /** The body as it is, in place of `body`. */
  readonly raw?: string | Uint8Array;
  readonly headers?: Record<string, string>;
}

export function call(
  bench: Bench,
  method: string,
  path: string,
  given: Call = {},
): Promise<Response> {
  const key = given.key === undefined ? keys.terminal : given.key;
  const body = given.raw ?? (given.body === undefined ? undefined : JSON.stringify(given.body));
  return fetch(bench.url + path, {
    method,
    headers: {
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...given.headers,
    },
    ...(body === undefined ? {} : { body: body as string }),
  });
}

/** The problem document of an answer. */
export async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return (await response.json()) as Record<string, unknown>;
}
