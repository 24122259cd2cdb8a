// Reads what a client sends over a WebSocket: `{ id, op, body }`, in JSON or msgpack.

import type { Encoding } from '../../switch/requests.ts';
import { MsgpackRefusal, unpack } from '../msgpack.ts';
import { invalid, type Problem, type Violation } from '../problems.ts';
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
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return refused(null, [{ path: '', message: 'must be an object { id, op, body }' }]);
  }
  const fields = value as Record<string, unknown>;
  const { id, op, body, requestId } = fields;
  const violations: Violation[] = [];
  if (id !== undefined && !isFrameId(id)) {
    violations.push({
      path: 'id',
      message: `must be a number, or text of at most ${ID_LENGTH_MAX} characters`,
    });
  }
  if (typeof op !== 'string')
    violations.push({ path: 'op', message: 'must be the name of an operation' });
  const content = body === undefined ? {} : body;
  if (content === null || typeof content !== 'object' || Array.isArray(content)) {
    violations.push({ path: 'body', message: 'must be an object' });
  }
  const ownId = typeof requestId === 'string' ? takeRequestId(requestId) : undefined;
  if (requestId !== undefined && ownId === undefined) {
    violations.push({
      path: 'requestId',
      message: `must be 1 to ${LIMITS.requestId} of A-Za-z0-9._:/+=@-`,
    });
  }
  for (const name of Object.keys(fields)) {
    if (!FIELDS.has(name))
      violations.push({ path: name.slice(0, 64), message: 'is not a field of a frame' });
    if (violations.length > 10) break;
  }
  const echoed = isFrameId(id) ? id : null;
  if (violations.length > 0) return refused(echoed, violations);
  return { frame: { id: echoed, op: op as string, body: content as object, requestId: ownId } };
}

function refused(id: FrameId | null, errors: readonly Violation[]): FrameReading {
  return { problem: invalid(errors), id, isGarbage: false };
}

function isFrameId(value: unknown): value is FrameId {
  if (typeof value === 'number') return Number.isFinite(value);
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
