// Speaks to the operators' calls of a running switch.

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { clientKey } from '../config.ts';
import { CommandFailure, Misuse } from './io.ts';

const TRIES_MAX = 5;
const PAUSE_MS = 500;
const ANSWER_MS = 30_000;

/** What the switch shows of a party or a key. */
export interface Shown {
  readonly id: string;
  readonly key?: string | null;
  readonly [field: string]: unknown;
}

interface Problem {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** What every command that asks the switch takes. */
export interface TargetOptions {
  readonly url: string;
  readonly json?: boolean;
}

export function withTarget(command: Command): Command {
  return command
    .option('--url <address>', 'of the switch', 'http://127.0.0.1:8080')
    .option('--json', 'for programs: JSON instead of a table')
    .addHelpText('after', '\nThe operator’s key is taken from QRSWITCH_KEY.');
}

export class OperatorClient {
  readonly #base: string;
  readonly #key: string;

  constructor({ url }: TargetOptions) {
    const base = URL.canParse(url) ? new URL(url) : null;
    if (base?.protocol !== 'http:' && base?.protocol !== 'https:') {
      throw new Misuse(`--url: ${url} is no http or https address.`);
    }
    const key = clientKey();
    if (key === undefined) {
      throw new CommandFailure('There is no key: set QRSWITCH_KEY to an operator’s.');
    }
    this.#base = base.origin;
    this.#key = key;
  }

  get<T>(path: string): Promise<T> {
    return this.#ask('GET', path, undefined, '');
  }

  /** A change, asked again with the same key until it is known what became of it. */
  change<T>(
    method: 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    body: object,
    idempotencyKey: string = randomUUID(),
  ): Promise<T> {
    return this.#ask(method, path, JSON.stringify(body), idempotencyKey);
  }

  /** All pages of a list. */
  async *list<T>(
    path: string,
    filter: Readonly<Record<string, string | undefined>>,
  ): AsyncGenerator<T> {
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries({ ...filter, cursor: cursor || undefined })) {
        if (value !== undefined) query.set(name, value);
      }
      const page: Page<T> = await this.get(`${path}?${query}`);
      yield* page.items;
      cursor = page.nextCursor;
    }
  }

  async #ask<T>(
    method: string,
    path: string,
    body: string | undefined,
    idempotencyKey: string,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      const answer = await this.#send(method, path, body, idempotencyKey);
      if (answer?.ok) return (await answer.json()) as T;
      const isForLater = answer === null || [429, 503, 504].includes(answer.status);
      if (isForLater && tries < TRIES_MAX) {
        const seconds = Number(answer?.headers.get('retry-after') ?? 0);
        await pause(Math.max(PAUSE_MS, Math.min(seconds, 10) * 1_000));
        continue;
      }
      if (answer === null) throw new CommandFailure(`Nobody answers at ${this.#base}.`);
      throw new CommandFailure(textOf((await answer.json()) as Problem));
    }
  }

  async #send(
    method: string,
    path: string,
    body: string | undefined,
    idempotencyKey: string,
  ): Promise<Response | null> {
    try {
      return await fetch(`${this.#base}/v1/operator/${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${this.#key}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(idempotencyKey === '' ? {} : { 'Idempotency-Key': idempotencyKey }),
        },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
    } catch {
      return null;
    }
  }
}

function textOf({ code, title, detail, errors = [] }: Problem): string {
  const flaws = errors.map(({ path, message }) => `\n  ${path || 'the request'} ${message}`);
  return `${title} (${code}). ${flaws.length > 0 ? flaws.join('') : detail}`;
}
