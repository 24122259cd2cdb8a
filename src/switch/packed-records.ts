// Records of bytes by a key, outside the garbage collector's heap: one after the other in large segments, found by a
// hash table of numbers. A million of them cost a collection nothing, and their bytes are all that they take, with about
// 30 more each.
//
//   P1. A record never changes; bytes once given out stay as they are, whatever happens to their record.
//   P2. Segments take at most twice what their records do, and two segments more: what is left in the emptiest is
//       moved together, and segments without records go back to the system.

import { must } from '../domain/assert.ts';

const SEGMENT_BYTES = 262_144;
/** Before each record: its slot, the length of its key and that of its bytes. */
const HEAD_BYTES = 12;
const SLOTS_MIN = 64;

interface Segment {
  readonly bytes: Buffer;
  /** Where the next record goes. */
  end: number;
  /** Bytes of records that are still there. */
  live: number;
}

interface Place {
  readonly segment: Segment;
  readonly at: number;
}

export class PackedRecords {
  #segments: (Segment | null)[] = [];
  #freeSegments: number[] = [];
  #current = -1;
  #segmentBytes = 0;
  #live = 0;
  #count = 0;
  #slots = 0;
  #freeSlots: number[] = [];
  /** By slot: the number of the segment and the offset in it as one, −1 where the slot is free. */
  #places = new Float64Array(0);
  #hashes = new Int32Array(0);
  /** By slot: the next slot, counted from 1, of those whose hashes begin at the same head. */
  #nexts = new Int32Array(0);
  #heads = new Int32Array(0);

  get count(): number {
    return this.#count;
  }

  /** Slots are numbered below this. */
  get slots(): number {
    return this.#slots;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#segmentBytes;
  }

  /** The slot of the record with this key; −1 where there is none. */
  find(key: string): number {
    if (this.#count === 0) return -1;
    const hash = hashOf(key);
    let slot = (this.#heads[hash & (this.#heads.length - 1)] ?? 0) - 1;
    while (slot >= 0 && !(this.#hashes[slot] === hash && this.keyAt(slot) === key)) {
      slot = (this.#nexts[slot] ?? 0) - 1;
    }
    return slot;
  }

  /** Whether there is a record in the slot. */
  has(slot: number): boolean {
    return (this.#places[slot] ?? -1) >= 0;
  }

  keyAt(slot: number): string {
    const { segment, at } = this.#placeOf(slot);
    const from = at + HEAD_BYTES;
    return segment.bytes.toString('latin1', from, from + segment.bytes.readUInt32LE(at + 4));
  }

  bytesAt(slot: number): Uint8Array {
    const { segment, at } = this.#placeOf(slot);
    const from = at + HEAD_BYTES + segment.bytes.readUInt32LE(at + 4);
    return segment.bytes.subarray(from, from + segment.bytes.readUInt32LE(at + 8));
  }

  /** Keeps a record whose key, of one byte a character, is not there yet. Returns its slot. */
  add(key: string, bytes: Uint8Array): number {
    const slot = this.#freeSlots.pop() ?? this.#slots++;
    if (slot >= this.#places.length) this.#grow();
    const { segment, at } = this.#room(slot, HEAD_BYTES + key.length + bytes.length);
    segment.bytes.writeUInt32LE(slot, at);
    segment.bytes.writeUInt32LE(key.length, at + 4);
    segment.bytes.writeUInt32LE(bytes.length, at + 8);
    segment.bytes.write(key, at + HEAD_BYTES, 'latin1');
    segment.bytes.set(bytes, at + HEAD_BYTES + key.length);
    this.#hashes[slot] = hashOf(key);
    this.#link(slot);
    this.#count += 1;
    return slot;
  }

  remove(slot: number): void {
    this.#unlink(slot);
    this.#count -= 1;
    this.#leave(slot);
    this.#places[slot] = -1;
    this.#freeSlots.push(slot);
    if (this.#count === 0) this.clear();
    else if (this.#segmentBytes > 2 * this.#live + 2 * SEGMENT_BYTES) this.#moveTogether();
  }

  clear(): void {
    this.#segments = [];
    this.#freeSegments = [];
    this.#current = -1;
    this.#segmentBytes = 0;
    this.#live = 0;
    this.#count = 0;
    this.#slots = 0;
    this.#freeSlots = [];
    this.#places = new Float64Array(0);
    this.#hashes = new Int32Array(0);
    this.#nexts = new Int32Array(0);
    this.#heads = new Int32Array(0);
  }

  // ----------------------------------------------------------------------------------------------------- segments --

  #placeOf(slot: number): Place {
    const place = this.#places[slot] ?? -1;
    const segment = must(this.#segments[Math.floor(place / SEGMENT_BYTES)], 'a record’s segment');
    return { segment, at: place % SEGMENT_BYTES };
  }

  /** Room for a record of so many bytes, counted as the slot's. One larger than a segment has one of its own. */
  #room(slot: number, length: number): Place {
    let segment = this.#segments[this.#current] ?? null;
    if (segment === null || segment.end + length > segment.bytes.length) {
      this.#current = this.#freeSegments.pop() ?? this.#segments.length;
      segment = {
        bytes: Buffer.allocUnsafeSlow(Math.max(length, SEGMENT_BYTES)),
        end: 0,
        live: 0,
      };
      this.#segments[this.#current] = segment;
      this.#segmentBytes += segment.bytes.length;
    }
    const at = segment.end;
    segment.end += length;
    segment.live += length;
    this.#live += length;
    this.#places[slot] = this.#current * SEGMENT_BYTES + at;
    return { segment, at };
  }

  /** The record is not counted any more; a segment that has lost its last one goes. */
  #leave(slot: number): void {
    const { segment, at } = this.#placeOf(slot);
    const length = lengthAt(segment, at);
    segment.live -= length;
    this.#live -= length;
    if (segment.live === 0) this.#release(Math.floor((this.#places[slot] ?? 0) / SEGMENT_BYTES));
  }

  #release(index: number): void {
    const segment = this.#segments[index];
    if (!segment) return;
    this.#segmentBytes -= segment.bytes.length;
    this.#segments[index] = null;
    this.#freeSegments.push(index);
    if (this.#current === index) this.#current = -1;
  }

  /** P2: what is left in the emptiest segment goes to the end of the current one. */
  #moveTogether(): void {
    let emptiest = -1;
    let least = 1;
    this.#segments.forEach((segment, index) => {
      if (segment === null || index === this.#current) return;
      const part = segment.live / segment.bytes.length;
      if (part >= least) return;
      least = part;
      emptiest = index;
    });
    const segment = this.#segments[emptiest];
    if (!segment) return;
    for (let at = 0; at < segment.end; at += lengthAt(segment, at)) {
      const slot = segment.bytes.readUInt32LE(at);
      if (this.#places[slot] !== emptiest * SEGMENT_BYTES + at) continue;
      const length = lengthAt(segment, at);
      this.#live -= length;
      const to = this.#room(slot, length);
      segment.bytes.copy(to.segment.bytes, to.at, at, at + length);
    }
    this.#release(emptiest);
  }

  // -------------------------------------------------------------------------------------------------------- index --

  #link(slot: number): void {
    const head = (this.#hashes[slot] ?? 0) & (this.#heads.length - 1);
    this.#nexts[slot] = this.#heads[head] ?? 0;
    this.#heads[head] = slot + 1;
  }

  #unlink(slot: number): void {
    const head = (this.#hashes[slot] ?? 0) & (this.#heads.length - 1);
    const next = this.#nexts[slot] ?? 0;
    let at = (this.#heads[head] ?? 0) - 1;
    if (at === slot) {
      this.#heads[head] = next;
      return;
    }
    while (this.#nexts[at] !== slot + 1) at = (this.#nexts[at] ?? 0) - 1;
    this.#nexts[at] = next;
  }

  #grow(): void {
    const before = this.#places.length;
    const length = Math.max(SLOTS_MIN, 2 * before);
    const [places, hashes] = [this.#places, this.#hashes];
    this.#places = new Float64Array(length).fill(-1, before);
    this.#places.set(places);
    this.#hashes = new Int32Array(length);
    this.#hashes.set(hashes);
    this.#nexts = new Int32Array(length);
    this.#heads = new Int32Array(length);
    for (let slot = 0; slot < before; slot++) if (this.has(slot)) this.#link(slot);
  }
}

function lengthAt({ bytes }: Segment, at: number): number {
  return HEAD_BYTES + bytes.readUInt32LE(at + 4) + bytes.readUInt32LE(at + 8);
}

/** FNV-1a, finished by a fold: its low bits are weak on short texts. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}
