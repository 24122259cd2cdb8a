// A body of lines that comes in pieces: handed out line by line, as somebody asks, with no more kept than what came.

/** A line of the body. `no` counts from 1, blank lines included, so that it is the number that an editor shows. */
export interface Line {
  readonly no: number;
  /** Null: it is too long, and was not kept. */
  readonly bytes: Buffer | null;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

/** Lines end with LF or CRLF; the last one may end with the body. Blank ones are counted and left out, if not too long. */
export class Lines {
  readonly #bytesMax: number;
  #pieces: Buffer[] = [];
  /** The piece that is read, and how far. */
  #piece = 0;
  #at = 0;
  /** The beginning of a line whose end has not come, unless it is too long to be kept. */
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #waitingBytes = 0;
  #no = 0;
  #hasEnded = false;

  /** `bytesMax`: of a line, without what ends it. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The body has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Bytes of the pieces that have not been read through. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** What came next; it is kept as it is. */
  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#waitingBytes += piece.length;
  }

  /** Nothing comes any more: what has begun is the last line. */
  end(): void {
    this.#hasEnded = true;
  }

  /** The next line that is there whole; null where more must come first, or none will. */
  next(): Line | null {
    while (true) {
      const piece = this.#pieces[this.#piece];
      if (piece === undefined) return this.#last();
      const end = piece.indexOf(NEWLINE, this.#at);
      if (end === -1) {
        this.#begin(piece.subarray(this.#at));
        this.#piece += 1;
        this.#at = 0;
        this.#waitingBytes -= piece.length;
        continue;
      }
      const rest = piece.subarray(this.#at, end);
      this.#at = end + 1;
      const line = this.#whole(rest);
      if (line !== null) return line;
    }
  }

  /** All pieces are read: only the end of the body can end the line that has begun. */
  #last(): Line | null {
    this.#pieces = [];
    this.#piece = 0;
    return this.#hasEnded && this.#begunBytes > 0 ? this.#whole(EMPTY) : null;
  }

  #begin(bytes: Buffer): void {
    this.#begunBytes += bytes.length;
    // One more for the return before the newline. What is longer is only counted, so that its end is found.
    if (this.#begunBytes <= this.#bytesMax + 1) this.#begun.push(bytes);
    else this.#begun = [];
  }

  #whole(rest: Buffer): Line | null {
    this.#no += 1;
    const length = this.#begunBytes + rest.length;
    const bytes =
      length > this.#bytesMax + 1
        ? null
        : withoutReturn(this.#begun.length === 0 ? rest : Buffer.concat([...this.#begun, rest]));
    this.#begun = [];
    this.#begunBytes = 0;
    if (bytes === null || bytes.length > this.#bytesMax) {
      return { no: this.#no, bytes: null };
    }
    return isBlank(bytes) ? null : { no: this.#no, bytes };
  }
}

const EMPTY = Buffer.alloc(0);

function withoutReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === RETURN ? bytes.subarray(0, -1) : bytes;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === SPACE || byte === TAB || byte === RETURN);
}
