// WebSocket frames. Bodies arrive encoded from the shards, so a frame is bytes around bytes: nothing is parsed again.

import type { Encoding } from '../../switch/requests.ts';
import { pack, wide } from '../msgpack.ts';

/** A client's name for its request. */
export type FrameId = string | number;

const CLOSE_BRACE = 0x7d;
const NULL_JSON = Buffer.from('null');
const NULL_MSGPACK = Uint8Array.of(0xc0);
const EVENT_JSON = Buffer.from('{"event":');
/** A map of one entry, `event`. */
const EVENT_MSGPACK = Uint8Array.of(0x81, 0xa5, 0x65, 0x76, 0x65, 0x6e, 0x74);

/** `{ id, status, body }`; an empty body is null. */
export function replyFrame(
  id: FrameId | null,
  status: number,
  body: Uint8Array,
  encoding: Encoding,
): Uint8Array {
  if (encoding === 'json') {
    const head = `{"id":${JSON.stringify(id)},"status":${status},"body":`;
    return wrapped(Buffer.from(head), body.length === 0 ? NULL_JSON : body);
  }
  return Buffer.concat([msgpackHead(id, status), body.length === 0 ? NULL_MSGPACK : body]);
}

/** `{ op: 'auth', status, body? }`. */
export function authFrame(
  id: FrameId | null,
  status: number,
  body: Uint8Array,
  encoding: Encoding,
): Uint8Array {
  const hasBody = body.length > 0;
  if (encoding === 'json') {
    const name = id === null ? '' : `"id":${JSON.stringify(id)},`;
    const head = `{${name}"op":"auth","status":${status}`;
    if (!hasBody) return Buffer.from(`${head}}`);
    return wrapped(Buffer.from(`${head},"body":`), body);
  }
  const fields = (id === null ? 2 : 3) + (hasBody ? 1 : 0);
  const parts: Uint8Array[] = [Uint8Array.of(0x80 | fields)];
  if (id !== null) parts.push(pack('id'), packedId(id));
  parts.push(pack('op'), pack('auth'), pack('status'), pack(status));
  if (hasBody) parts.push(pack('body'), body);
  return Buffer.concat(parts);
}

/** `{ event }`. */
export function eventFrame(event: Uint8Array, encoding: Encoding): Uint8Array {
  return encoding === 'json' ? wrapped(EVENT_JSON, event) : Buffer.concat([EVENT_MSGPACK, event]);
}

function wrapped(head: Buffer, body: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(head.length + body.length + 1);
  frame.set(head, 0);
  frame.set(body, head.length);
  frame[head.length + body.length] = CLOSE_BRACE;
  return frame;
}

/** Up to where the body begins. */
function msgpackHead(id: FrameId | null, status: number): Uint8Array {
  const name = packedId(id);
  const head = Buffer.allocUnsafe(19 + name.length);
  head[0] = 0x83;
  head[1] = 0xa2;
  head.write('id', 2, 'latin1');
  head.set(name, 4);
  let at = 4 + name.length;
  head[at] = 0xa6;
  head.write('status', at + 1, 'latin1');
  at += 7;
  head[at] = 0xcd;
  head.writeUInt16BE(status, at + 1);
  head[at + 3] = 0xa4;
  head.write('body', at + 4, 'latin1');
  return head.subarray(0, at + 8);
}

const SMALL_INTEGER_MAX = 0x7f;

function packedId(id: FrameId | null): Uint8Array {
  if (typeof id !== 'number') return pack(id);
  if (Number.isInteger(id) && id >= 0 && id <= SMALL_INTEGER_MAX) return Uint8Array.of(id);
  return pack(Number.isSafeInteger(id) ? wide(id) : id);
}
