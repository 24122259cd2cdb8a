// Reads what a client sends over a WebSocket: `{ id, op, body }`, in JSON or msgpack.

import type { Encoding } from '../../switch/requests.ts';
import { MsgpackRefusal, unpack } from '../msgpack.ts';
import { invalid, type Problem, type Violation } from '../problem-document.ts';
import { LIMITS } from '../schemas/scalars.ts';
import { takeRequestId } from './correlation.ts';
import { readJson } from './exchange.ts';
import type { FrameId } from './frames.ts';

export interface Frame {
  readonly id: FrameId | null;
  readonly op: string;
  /** `{}` where there is none. */
  readonly body: object;
  /** The client’s own, if it gave one. */
  readonly requestId: string | undefined;
}

export type FrameReading =
  | { readonly frame: Frame }
  /** `isGarbage`: not even the encoding was right. */
  | { readonly problem: Problem; readonly id: FrameId | null; readonly isGarbage: boolean };

const FIELDS: ReadonlySet<string> = new Set(['id', 'op', 'body', 'requestId']);
const ID_LENGTH_MAX = 128;
const FOREIGN_NAMED_MAX = 10;
/** A frame is one level around its body. */
const DEPTH_MAX = LIMITS.jsonDepth + 4;

/** Never throws, whatever the bytes are. */
export function readFrame(bytes: Buffer, encoding: Encoding): FrameReading {
  if (bytes.length > LIMITS.bodyBytes) {
    return { problem: { code: 'body.tooLarge' }, id: null, isGarbage: true };
  }
  const read = encoding === 'json' ? readJson(bytes) : readMsgpack(bytes);
  if ('problem' in read) return { problem: read.problem, id: null, isGarbage: true };
  return shaped(read.value);
}

function shaped(value: unknown): FrameReading {
  if (!isObject(value))
    return refused(null, [{ path: '', message: 'must be an object { id, op, body }' }]);
  const { id, op, body, requestId } = value;
  const violations = frameViolations(value);
  const echoed = isFrameId(id) ? id : null;
  if (violations.length > 0) return refused(echoed, violations);
  const frame: Frame = {
    id: echoed,
    op: op as string,
    body: (body ?? {}) as object,
    requestId: requestId as string | undefined,
  };
  return { frame };
}

function frameViolations(fields: Readonly<Record<string, unknown>>): Violation[] {
  const { id, op, body, requestId } = fields;
  const violations: Violation[] = [];
  if (id !== undefined && !isFrameId(id)) {
    const message = `must be a number (integers to 2^53), or text of at most ${ID_LENGTH_MAX} characters`;
    violations.push({ path: 'id', message });
  }
  if (typeof op !== 'string') {
    violations.push({ path: 'op', message: 'must be the name of an operation' });
  }
  if (body !== undefined && !isObject(body)) {
    violations.push({ path: 'body', message: 'must be an object' });
  }
  if (requestId !== undefined && !isRequestId(requestId)) {
    const message = `must be 1 to ${LIMITS.requestId} of A-Za-z0-9._:/+=@-`;
    violations.push({ path: 'requestId', message });
  }
  const foreign = Object.keys(fields).filter((name) => !FIELDS.has(name));
  for (const name of foreign.slice(0, FOREIGN_NAMED_MAX)) {
    violations.push({ path: name.slice(0, 64), message: 'is not a field of a frame' });
  }
  return violations;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isRequestId(value: unknown): boolean {
  return typeof value === 'string' && takeRequestId(value) !== undefined;
}

function refused(id: FrameId | null, errors: readonly Violation[]): FrameReading {
  return { problem: invalid(errors), id, isGarbage: false };
}

function isFrameId(value: unknown): value is FrameId {
  // An integer that JSON has rounded would be echoed as another one, for which nobody waits.
  if (typeof value === 'number') {
    return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  }
  return typeof value === 'string' && value.length <= ID_LENGTH_MAX;
}

function readMsgpack(bytes: Buffer): { value: unknown } | { problem: Problem } {
  try {
    return { value: unpack(bytes, DEPTH_MAX) };
  } catch (error) {
    if (!(error instanceof MsgpackRefusal)) throw error;
    return { problem: invalid([{ path: '', message: `must be msgpack: ${error.message}` }]) };
  }
}
