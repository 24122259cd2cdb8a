// A parser under fire: one input made of choices, read, and judged. It throws where a promise is broken.

import type { Choices } from './choices.ts';

export interface Target {
  readonly name: string;
  /** The group that `--only` names. */
  readonly group: 'msgpack' | 'json' | 'texts' | 'entries' | 'config';
  /** Reads one input and throws where the answer is none that is promised. */
  run(choices: Choices): void;
}

export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

/** Throws with what was read, unless the promise holds. */
export function promise(holds: boolean, what: string, input: unknown): void {
  if (!holds) throw new BrokenPromise(`${what}: ${shown(input)}`);
}

const SHOWN_MAX = 2_000;

function shown(input: unknown): string {
  const text =
    input instanceof Uint8Array
      ? Buffer.from(input).toString('hex')
      : (JSON.stringify(input) ?? '');
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}… (${text.length})` : text;
}

const LONE_OR_NUL = /[\p{Surrogate}\0]/u;

/**
 * What is wrong with a value as JSON that every store gives back as it came; undefined where nothing is. Written apart
 * from the code that it judges.
 */
export function jsonFault(value: unknown, depthMax: number, at = ''): string | undefined {
  switch (typeof value) {
    case 'boolean':
      return undefined;
    case 'string':
      return LONE_OR_NUL.test(value) ? `${at} is no text` : undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : `${at} is ${value}`;
    case 'object':
      return value === null ? undefined : containerFault(value, depthMax, at);
    default:
      return `${at} is a ${typeof value}`;
  }
}

function containerFault(value: object, depthMax: number, at: string): string | undefined {
  if (depthMax <= 0) return `${at} is too deep`;
  const kind: unknown = Object.getPrototypeOf(value);
  if (kind !== Object.prototype && kind !== Array.prototype) return `${at} has a strange prototype`;
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__' || LONE_OR_NUL.test(key)) return `${at} has a key that is none`;
    const found = jsonFault(item, depthMax - 1, `${at}/${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
