// WebSocket frames (RFC 6455) of a client, as text of one byte a character. The masking key is 0000, which leaves the
// bytes as they are: allowed, cheap for the generator, and the switch unmasks as always.

const MASKED = 0x80;
const FINAL = 0x80;

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One final, masked frame; the payload is shorter than 64 KiB. */
export function clientFrame(opcode: number, payload: string): string {
  const { length } = payload;
  const head = String.fromCharCode(FINAL | opcode);
  const size =
    length < 126
      ? String.fromCharCode(MASKED | length)
      : String.fromCharCode(MASKED | 126, length >>> 8, length & 0xff);
  return `${head}${size}\0\0\0\0${payload}`;
}

/** Cuts a stream of bytes into frames. What is not yet whole waits for the next bytes. */
export class FrameReader {
  readonly #onFrame: (opcode: number, payload: string) => void;
  #rest: Buffer | null = null;

  constructor(onFrame: (opcode: number, payload: string) => void) {
    this.#onFrame = onFrame;
  }

  /** The bytes may be overwritten once this returns. */
  push(bytes: Buffer): void {
    const all = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (;;) {
      const next = this.#frameAt(all, at);
      if (next < 0) break;
      at = next;
    }
    this.#rest = at === all.length ? null : Buffer.from(all.subarray(at));
  }

  /** Where the frame after the one at `at` begins; -1 where that one is not whole. */
  #frameAt(bytes: Buffer, at: number): number {
    if (bytes.length - at < 2) return -1;
    let length = (bytes[at + 1] ?? 0) & 0x7f;
    let from = at + 2;
    if (length === 126) {
      if (bytes.length - at < 4) return -1;
      length = bytes.readUInt16BE(from);
      from += 2;
    } else if (length === 127) {
      if (bytes.length - at < 10) return -1;
      length = Number(bytes.readBigUInt64BE(from));
      from += 8;
    }
    if (from + length > bytes.length) return -1;
    this.#onFrame((bytes[at] ?? 0) & 0x0f, bytes.toString('latin1', from, from + length));
    return from + length;
  }
}
