// The same value as JSON and as msgpack, in any of the ways that each can say it. Neither is one of the writers that
// the switch uses: they would not write what strangers may.

import type { Choices } from './choices.ts';
import type { Odd } from './odd-values.ts';

// -------------------------------------------------------------------------------------------------------- JSON --

export function jsonText(choices: Choices, value: Odd): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return jsonNumber(choices, value);
  if (typeof value === 'string') return jsonString(choices, value);
  const gap = choices.chance(0.02) ? ' \n\t' : '';
  if (Array.isArray(value)) {
    return `[${gap}${value.map((item) => jsonText(choices, item)).join(`,${gap}`)}]`;
  }
  const members = entriesOf(value).map(
    ([key, item]) => `${gap}${jsonString(choices, key)}:${gap}${jsonText(choices, item)}`,
  );
  return `{${members.join(',')}${gap}}`;
}

function jsonNumber(choices: Choices, value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '1e400' : '-1e400';
  if (Object.is(value, -0)) return '-0';
  if (choices.chance(0.05)) return value.toExponential();
  return String(value);
}

function jsonString(choices: Choices, text: string): string {
  // Lone surrogates have no other way; others may be written so too.
  if (!choices.chance(0.05)) return JSON.stringify(text);
  let written = '"';
  for (let i = 0; i < text.length; i++) {
    written += `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return `${written}"`;
}

// ----------------------------------------------------------------------------------------------------- msgpack --

const SURROGATE = /\p{Surrogate}/u;

export function msgpackBytes(choices: Choices, value: Odd): Buffer {
  const parts: Buffer[] = [];
  pack(choices, value, parts);
  return Buffer.concat(parts);
}

function pack(choices: Choices, value: Odd, parts: Buffer[]): void {
  if (value === null || value === undefined) parts.push(Buffer.of(0xc0));
  else if (typeof value === 'boolean') parts.push(Buffer.of(value ? 0xc3 : 0xc2));
  else if (typeof value === 'number') parts.push(packedNumber(choices, value));
  else if (typeof value === 'string') packText(choices, value, parts);
  else if (Array.isArray(value)) {
    parts.push(head(choices, value.length, { fix: 0x90, fixMax: 15, tags: [0xdc, 0xdd] }));
    for (const item of value) pack(choices, item, parts);
  } else {
    const entries = entriesOf(value);
    parts.push(head(choices, entries.length, { fix: 0x80, fixMax: 15, tags: [0xde, 0xdf] }));
    for (const [key, item] of entries) {
      packText(choices, key, parts);
      pack(choices, item, parts);
    }
  }
}

function packText(choices: Choices, text: string, parts: Buffer[]): void {
  const bytes = utf8WithSurrogates(text);
  if (bytes.length < 256 && choices.chance(0.1)) parts.push(Buffer.of(0xd9, bytes.length));
  else parts.push(head(choices, bytes.length, { fix: 0xa0, fixMax: 31, tags: [0xda, 0xdb] }));
  parts.push(bytes);
}

/** UTF-8, and lone surrogates as the three bytes that they would have if they were allowed. */
function utf8WithSurrogates(text: string): Buffer {
  if (!SURROGATE.test(text)) return Buffer.from(text);
  const parts: Buffer[] = [];
  for (const character of text) {
    if (!SURROGATE.test(character)) {
      parts.push(Buffer.from(character));
    } else {
      const code = character.charCodeAt(0);
      parts.push(Buffer.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)));
    }
  }
  return Buffer.concat(parts);
}

interface Tags {
  readonly fix: number;
  readonly fixMax: number;
  readonly tags: readonly [short: number, long: number];
}

/** The shortest head mostly, a longer one now and then. */
function head(choices: Choices, length: number, { fix, fixMax, tags }: Tags): Buffer {
  const [short, long] = tags;
  const least = length <= fixMax ? 0 : length < 65_536 ? 1 : 2;
  const size = choices.chance(0.1) ? choices.between(least, 2) : least;
  if (size === 0) return Buffer.of(fix | length);
  const bytes = Buffer.alloc(size === 1 ? 3 : 5);
  bytes[0] = size === 1 ? short : long;
  if (size === 1) bytes.writeUInt16BE(length, 1);
  else bytes.writeUInt32BE(length, 1);
  return bytes;
}

function packedNumber(choices: Choices, value: number): Buffer {
  const isWhole = Number.isSafeInteger(value) && !Object.is(value, -0);
  if (!isWhole || choices.chance(0.1)) return packedFloat(choices, value);
  if (choices.chance(0.1)) return packedWide(value);
  if (value >= 0) return packedNatural(value);
  if (value >= -32) return Buffer.of(value & 0xff);
  if (value >= -128) return Buffer.of(0xd0, value & 0xff);
  const bytes = Buffer.alloc(5);
  if (value < -(2 ** 31)) return packedWide(value);
  bytes[0] = 0xd2;
  bytes.writeInt32BE(value, 1);
  return bytes;
}

function packedNatural(value: number): Buffer {
  if (value < 128) return Buffer.of(value);
  if (value < 256) return Buffer.of(0xcc, value);
  if (value < 65_536) return Buffer.of(0xcd, value >> 8, value & 0xff);
  if (value >= 2 ** 32) return packedWide(value);
  const bytes = Buffer.alloc(5);
  bytes[0] = 0xce;
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

function packedWide(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = value < 0 ? 0xd3 : 0xcf;
  if (value < 0) bytes.writeBigInt64BE(BigInt(value), 1);
  else bytes.writeBigUInt64BE(BigInt(value), 1);
  return bytes;
}

function packedFloat(choices: Choices, value: number): Buffer {
  if (Object.is(Math.fround(value), value) && choices.chance(0.5)) {
    const bytes = Buffer.alloc(5);
    bytes[0] = 0xca;
    bytes.writeFloatBE(value, 1);
    return bytes;
  }
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function entriesOf(map: object): [string, Odd][] {
  return Object.entries(map).filter(([, item]) => item !== undefined) as [string, Odd][];
}
