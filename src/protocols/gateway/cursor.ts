// Cursors of lists: opaque to clients. They carry the place to go on from and the time that the list is complete up to,
// so that all pages of one reading show the same moment.

import { type Millis, TIME_MAX } from '../../domain/time.ts';
import type { ListPlace } from '../../switch/listings-port.ts';

export interface Cursor {
  readonly place: ListPlace;
  readonly asOf: Millis;
}

const PLACE_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

export function writeCursor(cursor: Cursor): string {
  const { place, asOf } = cursor;
  return Buffer.from(JSON.stringify([place.at, place.id, place.no, asOf])).toString('base64url');
}

/** Undefined where the text is no cursor of ours. */
export function readCursor(text: string): Cursor | undefined {
  if (!/^[A-Za-z0-9_-]{1,512}$/.test(text)) return undefined;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [at, id, no, asOf] = parts as unknown[];
  if (!isTime(at) || !isTime(asOf) || !isNumber(no)) return undefined;
  if (typeof id !== 'string' || !PLACE_ID.test(id)) return undefined;
  return { place: { at, id, no }, asOf };
}

function isTime(value: unknown): value is Millis {
  return (
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= TIME_MAX
  );
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 31;
}
