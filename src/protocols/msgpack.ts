// msgpack as the wire speaks it: JSON's values and nothing else. What we write, msgpackr packs. What strangers write is
// read here, strictly: msgpackr's reader would take extension types from them (records, regular expressions), guess
// at broken UTF-8, and turn numbers into keys.

import { Packr } from 'msgpackr';
import type { Json } from '../domain/bill/vocabulary.ts';

const packr = new Packr({ useRecords: false });
const UINT32_MAX = 0xffff_ffff;

/** Packs a plain value. Integers of 2^32 and more must have been made wide, or they leave as floats. */
export function pack(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** An integer that msgpackr packs as one, however large. */
export function wide(value: number): number | bigint {
  return value > UINT32_MAX ? BigInt(value) : value;
}

/** The same JSON with every integer made wide; itself where there is none to widen. */
export function widenAll(value: Json): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? wideSigned(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(widenAll);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, widenAll(item)]));
}

function wideSigned(value: number): number | bigint {
  return value > UINT32_MAX || value < -0x8000_0000 ? BigInt(value) : value;
}

/** The bytes are no msgpack, or msgpack that says what JSON cannot. */
export class MsgpackRefusal extends Error {
  override readonly name = 'MsgpackRefusal';
}

/**
 * Reads one value of nil, booleans, numbers, text, arrays and maps with text keys, nested at most `depthMax` deep.
 * Anything else throws a MsgpackRefusal: extension types, binary, integers beyond 2^53, NUL or broken UTF-8 in text.
 */
export function unpack(bytes: Uint8Array, depthMax: number): Json {
  const reader = new Reader(bytes, depthMax);
  const value = reader.value(0);
  if (reader.at !== bytes.length) throw new MsgpackRefusal('there is more after the value');
  return value;
}

const SHORT_TEXT = 10;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Reader {
  at = 0;
  readonly #bytes: Buffer;
  readonly #depthMax: number;

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#depthMax = depthMax;
  }

  value(depth: number): Json {
    const tag = this.#number(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.#map(tag & 0x0f, depth);
    if (tag < 0xa0) return this.#array(tag & 0x0f, depth);
    if (tag < 0xc0) return this.#text(tag & 0x1f);
    if (tag >= 0xe0) return tag - 0x100;
    return this.#tagged(tag, depth);
  }

  #tagged(tag: number, depth: number): Json {
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xd9:
        return this.#text(this.#number(1));
      case 0xda:
        return this.#text(this.#number(2));
      case 0xdb:
        return this.#text(this.#number(4));
      case 0xdc:
        return this.#array(this.#number(2), depth);
      case 0xdd:
        return this.#array(this.#number(4), depth);
      case 0xde:
        return this.#map(this.#number(2), depth);
      case 0xdf:
        return this.#map(this.#number(4), depth);
      default:
        return this.#numeric(tag);
    }
  }

  #numeric(tag: number): number {
    switch (tag) {
      case 0xcc:
        return this.#number(1);
      case 0xcd:
        return this.#number(2);
      case 0xce:
        return this.#number(4);
      case 0xcf:
        return safe(this.#bytes.readBigUInt64BE(this.#take(8)));
      case 0xd0:
        return this.#bytes.readInt8(this.#take(1));
      case 0xd1:
        return this.#bytes.readInt16BE(this.#take(2));
      case 0xd2:
        return this.#bytes.readInt32BE(this.#take(4));
      case 0xd3:
        return safe(this.#bytes.readBigInt64BE(this.#take(8)));
      case 0xca:
        return finite(this.#bytes.readFloatBE(this.#take(4)));
      case 0xcb:
        return finite(this.#bytes.readDoubleBE(this.#take(8)));
      default:
        throw new MsgpackRefusal('only nil, booleans, numbers, text, arrays and maps are taken');
    }
  }

  #array(length: number, depth: number): Json {
    this.#deepen(length, depth);
    const items: Json[] = [];
    for (let i = 0; i < length; i++) items.push(this.value(depth + 1));
    return items;
  }

  #map(length: number, depth: number): Json {
    this.#deepen(length * 2, depth);
    const map: Record<string, Json> = {};
    for (let i = 0; i < length; i++) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string') throw new MsgpackRefusal('keys of maps must be text');
      if (key === '__proto__') throw new MsgpackRefusal('__proto__ is not taken as a key');
      map[key] = this.value(depth + 1);
    }
    return map;
  }

  /** Each item takes a byte at least, so a length beyond what is left is a lie: refused before anything is made of it. */
  #deepen(bytesMin: number, depth: number): void {
    if (depth >= this.#depthMax)
      throw new MsgpackRefusal(`nested deeper than ${this.#depthMax} levels`);
    if (bytesMin > this.#bytes.length - this.at)
      throw new MsgpackRefusal('the value ends too early');
  }

  #text(length: number): string {
    const start = this.#take(length);
    const bytes = this.#bytes;
    const end = start + length;
    let isAscii = true;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] ?? 0;
      if (byte === 0) throw new MsgpackRefusal('text must not hold U+0000');
      if (byte > 0x7f) isAscii = false;
    }
    if (isAscii) {
      // Short texts are dearer to fetch from outside of the engine than to put together.
      return length <= SHORT_TEXT
        ? shortAscii(bytes, start, end)
        : this.#bytes.toString('latin1', start, end);
    }
    try {
      return utf8.decode(bytes.subarray(start, end));
    } catch {
      throw new MsgpackRefusal('text must be well-formed UTF-8');
    }
  }

  #number(size: 1 | 2 | 4): number {
    const at = this.#take(size);
    if (size === 1) return this.#bytes[at] ?? 0;
    return size === 2 ? this.#bytes.readUInt16BE(at) : this.#bytes.readUInt32BE(at);
  }

  #take(length: number): number {
    const start = this.at;
    if (length > this.#bytes.length - start) throw new MsgpackRefusal('the value ends too early');
    this.at = start + length;
    return start;
  }
}

function shortAscii(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += ASCII[bytes[i] ?? 0];
  return text;
}

const ASCII = Array.from({ length: 0x80 }, (_unused, code) => String.fromCharCode(code));

function safe(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new MsgpackRefusal('integers beyond 2^53 are not taken');
  return number;
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new MsgpackRefusal('numbers must be finite');
  return value;
}
