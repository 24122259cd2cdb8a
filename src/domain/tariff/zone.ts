// A time zone: what its wall clock reads at an instant, and when it first reads a time.
//
// Intl knows the rules of every zone, and takes microseconds for each answer. So time is cut into blocks, and the
// spans of a block in which the zone's offset stays the same are found once and kept.

import { must } from '../assert.ts';
import type { Brand } from '../brand.ts';
import { DAY_MS, type Millis, millis, SECOND_MS } from '../time.ts';

/** What a wall clock reads, as milliseconds since that clock read 1970-01-01 00:00. */
export type WallMs = Brand<number, 'WallMs'>;

interface Span {
  readonly from: number;
  readonly until: number;
  readonly offsetMs: number;
}

const BLOCK_MS = 512 * DAY_MS;

/** Since 1970 no zone has changed its offset twice within less than 7 days, and none is going to by its rules. */
const PROBE_MS = 4 * DAY_MS;

/** Further than any zone is from UTC. */
const OFFSET_MAX_MS = DAY_MS;

/** A zone that is full forgets, and asks Intl again. */
const BLOCKS_MAX = 64;
const ZONES_MAX = 1_024;

export class Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #blocks = new Map<number, readonly Span[]>();

  /** Throws a RangeError for a name that Intl does not know. */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** What the clock reads. */
  wallAt(at: Millis): WallMs {
    for (const { until, offsetMs } of this.#block(Math.floor(at / BLOCK_MS))) {
      if (at < until) return (at + offsetMs) as WallMs;
    }
    throw new RangeError(`no offset at ${at}`);
  }

  /** The first instant at which the clock reads `wall` or later. */
  firstAt(wall: WallMs): Millis {
    for (let index = Math.floor((wall - OFFSET_MAX_MS) / BLOCK_MS); ; index++) {
      for (const { from, until, offsetMs } of this.#block(index)) {
        if (wall < until + offsetMs) return millis(Math.max(from, wall - offsetMs));
      }
    }
  }

  #block(index: number): readonly Span[] {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const spans = this.#spans(index * BLOCK_MS, (index + 1) * BLOCK_MS);
    if (this.#blocks.size >= BLOCKS_MAX) this.#blocks.clear();
    this.#blocks.set(index, spans);
    return spans;
  }

  #spans(start: number, end: number): Span[] {
    const spans: Span[] = [];
    let from = start;
    let offsetMs = this.#ask(start);
    for (let probe = start; probe < end; probe += PROBE_MS) {
      const next = Math.min(probe + PROBE_MS, end);
      const after = this.#ask(next);
      if (after === offsetMs) continue;
      const until = this.#changeBetween(probe, next);
      spans.push({ from, until, offsetMs });
      [from, offsetMs] = [until, after];
    }
    return [...spans, { from, until: end, offsetMs }];
  }

  /** The one change of offset after `before` and at or before `after`; clocks change on whole seconds. */
  #changeBetween(before: number, after: number): number {
    const offsetMs = this.#ask(before);
    let [low, high] = [before / SECOND_MS, after / SECOND_MS];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#ask(middle * SECOND_MS) === offsetMs) low = middle;
      else high = middle;
    }
    return high * SECOND_MS;
  }

  #ask(at: number): number {
    const read: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(at)) read[type] = Number(value);
    const part = (type: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'): number =>
      must(read[type], type);
    return (
      Date.UTC(
        part('year'),
        part('month') - 1,
        part('day'),
        part('hour'),
        part('minute'),
        part('second'),
      ) - at
    );
  }
}

const zones = new Map<string, Zone>();

/** The zone of an IANA name that `isTimeZone` took. */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  if (zones.size >= ZONES_MAX) zones.clear();
  const zone = new Zone(name);
  zones.set(name, zone);
  return zone;
}

/** Whether it is the name of a zone in the IANA database. */
export function isTimeZone(name: string): boolean {
  // Some versions of Intl also take '+01:00', which has no rules and is not a zone.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    zoneOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
