// A WebSocket client that writes frames byte by byte, right or wrong.

import { randomBytes } from 'node:crypto';
import { Unpackr } from 'msgpackr';
import { type NoAnswer, RawConnection } from './raw-connection.ts';

export interface FrameOptions {
  readonly opcode?: number;
  readonly isFinal?: boolean;
  /** Of the three bits that no extension uses. */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** In place of the true length. */
  readonly length?: bigint;
}

export const OPCODE = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame of RFC 6455, masked unless it is told not to be. */
export function frameBytes(payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const { opcode = OPCODE.text, isFinal = true, reserved = 0, isMasked = true } = options;
  const length = options.length ?? BigInt(payload.length);
  const size = length < 126n ? 0 : length < 65_536n ? 2 : 8;
  const head = Buffer.alloc(2 + size);
  head[0] = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (isMasked ? 0x80 : 0) | (size === 0 ? Number(length) : size === 2 ? 126 : 127);
  if (size === 2) head.writeUInt16BE(Number(length), 2);
  if (size === 8) head.writeBigUInt64BE(length, 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  const masked = Buffer.from(payload);
  for (let i = 0; i < masked.length; i++) masked[i] = (masked[i] ?? 0) ^ (mask[i % 4] ?? 0);
  return Buffer.concat([head, mask, masked]);
}

export interface StreamFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface StreamOptions {
  readonly port: number;
  readonly api: 'terminal' | 'paychannel';
  readonly encoding: 'json' | 'msgpack';
  /** Null: none in the header. */
  readonly key: string | null;
}

const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' });

export class RawStream {
  readonly connection: RawConnection;
  readonly encoding: 'json' | 'msgpack';
  #rest = Buffer.alloc(0);

  private constructor(connection: RawConnection, encoding: 'json' | 'msgpack') {
    this.connection = connection;
    this.encoding = encoding;
  }

  static async open(options: StreamOptions): Promise<RawStream> {
    const connection = await RawConnection.open(options.port);
    const authorization = options.key === null ? '' : `Authorization: Bearer ${options.key}\r\n`;
    connection.send(
      `GET /v1/${options.api}/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Protocol: qrswitch.${options.encoding}\r\n${authorization}\r\n`,
    );
    const answer = await connection.answer();
    if (typeof answer === 'string' || answer.status !== 101) {
      throw new Error(`no WebSocket: ${typeof answer === 'string' ? answer : answer.status}`);
    }
    return new RawStream(connection, options.encoding);
  }

  send(bytes: Uint8Array): void {
    this.connection.send(bytes);
  }

  /** One message in the stream's own kind of frame. */
  say(payload: Uint8Array): void {
    this.send(
      frameBytes(payload, { opcode: this.encoding === 'json' ? OPCODE.text : OPCODE.binary }),
    );
  }

  async frame(withinMs?: number): Promise<StreamFrame | NoAnswer> {
    for (;;) {
      const frame = this.#take();
      if (frame !== undefined) return frame;
      const bytes = await this.connection.bytes(withinMs);
      if (typeof bytes === 'string') return bytes;
      this.#rest = Buffer.concat([this.#rest, bytes]);
    }
  }

  /** The next message but events, read; `closed` also where the switch says so. */
  async message(withinMs?: number): Promise<Record<string, unknown> | NoAnswer> {
    for (;;) {
      const frame = await this.frame(withinMs);
      if (typeof frame === 'string') return frame;
      if (frame.opcode === OPCODE.close) return 'closed';
      if (frame.opcode !== OPCODE.text && frame.opcode !== OPCODE.binary) continue;
      const read: unknown =
        this.encoding === 'json'
          ? JSON.parse(frame.payload.toString())
          : unpackr.unpack(frame.payload);
      const message = read as Record<string, unknown>;
      if (message.event === undefined) return message;
    }
  }

  #take(): StreamFrame | undefined {
    const bytes = this.#rest;
    if (bytes.length < 2) return undefined;
    const short = (bytes[1] ?? 0) & 0x7f;
    const size = short < 126 ? 0 : short === 126 ? 2 : 8;
    if (bytes.length < 2 + size) return undefined;
    const length =
      size === 0 ? short : size === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    const end = 2 + size + length;
    if (bytes.length < end) return undefined;
    this.#rest = bytes.subarray(end);
    return { opcode: (bytes[0] ?? 0) & 0x0f, payload: Buffer.from(bytes.subarray(2 + size, end)) };
  }
}
