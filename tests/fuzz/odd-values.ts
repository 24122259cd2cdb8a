// Values that a parser has to expect from strangers: JSON's, and what is nearly JSON's.

import type { Choices } from './choices.ts';

/** JSON, but for infinities, lone surrogates and `undefined`, which the writers turn into what a stranger would send. */
export type Odd = null | undefined | boolean | number | string | readonly Odd[] | OddMap;
export interface OddMap {
  readonly [key: string]: Odd;
}

const NUMBERS = [
  0,
  1,
  -1,
  -0,
  0.5,
  1e-7,
  127,
  128,
  255,
  256,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  10 ** 12,
  10 ** 12 + 1,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 31) - 1,
  -(2 ** 53),
  2 ** 63,
  1e21,
  1.5e300,
  5e-324,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
] as const;

const TEXTS = [
  '',
  ' ',
  'a',
  '0',
  '-1',
  'null',
  'true',
  '../..',
  '%00',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'a\udc00b',
  '\udbff\udfff',
  '\ufeffbom',
  '\u2028',
  '\n',
  '\r\nX-Injected: 1',
  '\u202edlrow',
  'ﬀ',
  'é'.normalize('NFD'),
  '1e400',
  "'; drop table bills; --",
  '<script>alert(1)</script>',
  '{{7*7}}',
  '$\u007bjndi:ldap://x}',
  '01JB3M0Q2V00AZ4R8XN5T6K9WC',
  '01JB3M0Q2V00AZ4R8XN5T6K9WC-p1',
  'EUR',
  'X'.repeat(3),
  '2026-01-31T09:30:00.000Z',
  '4111 1111 1111 1111',
] as const;

const ODD_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'toJSON',
  '',
  '0',
  'length',
  'a.b',
  'a/b~c',
  '\u0000',
  '\ud800',
  'idempotencyKey',
  'billId',
  'key',
] as const;

export function oddNumber(choices: Choices): number {
  if (choices.chance(0.7)) return choices.pick(NUMBERS);
  const whole = choices.below(2 ** 31);
  return choices.chance(0.3) ? whole / 1_000 : whole;
}

export function oddText(choices: Choices): string {
  if (choices.chance(0.6)) return choices.pick(TEXTS);
  if (choices.chance(0.15)) return choices.pick(TEXTS).repeat(choices.between(1, 700));
  let text = '';
  for (let left = choices.below(20); left > 0; left--) {
    text += String.fromCharCode(
      choices.chance(0.2) ? choices.below(0x10000) : choices.between(32, 126),
    );
  }
  return text;
}

/** Any value, nested a little; now and then very deep. */
export function oddValue(choices: Choices, depth = 0): Odd {
  const kind = choices.below(depth > 3 ? 5 : 8);
  switch (kind) {
    case 0:
      return null;
    case 1:
      return choices.chance(0.5);
    case 2:
      return oddNumber(choices);
    case 3:
    case 4:
      return oddText(choices);
    case 5:
      return choices.several(4, () => oddValue(choices, depth + 1));
    case 6: {
      const map: Record<string, Odd> = {};
      for (let left = choices.below(4); left > 0; left--) {
        put(map, oddKey(choices), oddValue(choices, depth + 1));
      }
      return map;
    }
    default:
      return nested(choices.pick([3, 12, 16, 17, 30, 300]), choices.chance(0.5));
  }
}

export function oddKey(choices: Choices): string {
  return choices.chance(0.5) ? choices.pick(ODD_KEYS) : oddText(choices).slice(0, 80);
}

/** As an own property, whatever its name. */
export function put(map: Record<string, Odd>, key: string, value: Odd): void {
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

function nested(depth: number, isList: boolean): Odd {
  let value: Odd = 1;
  for (let i = 0; i < depth; i++) value = isList ? [value] : { a: value };
  return value;
}

/** How deep a value nests: 0 for what is no list and no map. */
export function depthOf(value: Odd): number {
  if (value === null || typeof value !== 'object') return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
