// Codes on A4 sheets, to be printed and cut: each with what it is for, how much, and its order.

import { createRequire } from 'node:module';
import { finished } from 'node:stream/promises';
import PDFDocument from 'pdfkit';
import QRCode from 'qrcode';

/** Of a DIN A4 sheet, in points of 1/72 inch. */
const PAGE = { width: 595.28, height: 841.89 };
const MARGIN = 34;
const COLUMNS = 3;
const ROWS = 4;
const CELL = {
  width: (PAGE.width - 2 * MARGIN) / COLUMNS,
  height: (PAGE.height - 2 * MARGIN) / ROWS,
};
/** 42 mm, its quiet zone included. */
const CODE = 119;
const QUIET_MODULES = 4;
/** In UTF-8: what is longer may fit with less error correction alone. */
const BYTES_AT_M = 2_331;
const PADDING = 8;
const TEXT_SIZE = 8;
const AMOUNT_SIZE = 11;
const LINE = 1.25;
/** Bills are described in any script: the fonts that every PDF reader has know Western Europe’s alone. */
const FONT = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');

export const CODES_PER_PAGE = COLUMNS * ROWS;

export interface SheetCode {
  readonly payload: string;
  readonly description: string;
  readonly amount: string;
  readonly orderId: string;
}

export class CodeSheet {
  readonly #document: PDFKit.PDFDocument;
  readonly #written: Promise<void>;
  #count = 0;

  constructor(to: NodeJS.WritableStream) {
    this.#document = new PDFDocument({ size: 'A4', margin: 0, autoFirstPage: false, font: FONT });
    this.#written = finished(this.#document.pipe(to));
    // Told by `end`; a failure before it must not end the process.
    this.#written.catch(() => undefined);
  }

  /** The next place on the sheet, or on a new one. */
  add(code: SheetCode): void {
    const place = this.#count % CODES_PER_PAGE;
    if (place === 0) this.#document.addPage();
    this.#count += 1;
    const x = MARGIN + (place % COLUMNS) * CELL.width;
    const y = MARGIN + Math.floor(place / COLUMNS) * CELL.height;
    this.#document
      .lineWidth(0.25)
      .strokeColor('#bbbbbb')
      .rect(x, y, CELL.width, CELL.height)
      .stroke();
    this.#draw(code.payload, x + (CELL.width - CODE) / 2, y + PADDING / 2);
    this.#label(code, x + PADDING, y + CODE + PADDING / 2);
  }

  /** Resolves once the file is whole; rejects where it could not be written. */
  async end(): Promise<void> {
    // A document without pages is none.
    if (this.#count === 0) this.#document.addPage();
    this.#document.end();
    await this.#written;
  }

  /** As shapes, so that a printer draws it as sharply as it can: one a run of dark modules. */
  #draw(payload: string, left: number, top: number): void {
    const errorCorrectionLevel = Buffer.byteLength(payload) > BYTES_AT_M ? 'L' : 'M';
    const { modules } = QRCode.create(payload, { errorCorrectionLevel });
    const side = CODE / (modules.size + 2 * QUIET_MODULES);
    for (let row = 0; row < modules.size; row++) {
      for (let column = 0; column < modules.size; column++) {
        const from = column;
        while (column < modules.size && modules.get(row, column) === 1) column += 1;
        if (column === from) continue;
        const x = left + (from + QUIET_MODULES) * side;
        const y = top + (row + QUIET_MODULES) * side;
        this.#document.rect(x, y, (column - from) * side, side);
      }
    }
    this.#document.fill('#000000');
  }

  #label({ description, amount, orderId }: SheetCode, left: number, top: number): void {
    const width = CELL.width - 2 * PADDING;
    const line = TEXT_SIZE * LINE;
    const one = { width, height: line, align: 'center', ellipsis: true, lineBreak: true } as const;
    const document = this.#document;
    document.fillColor('#000000').fontSize(AMOUNT_SIZE);
    document.text(amount, left, top, { ...one, height: AMOUNT_SIZE * LINE });
    document.fontSize(TEXT_SIZE);
    document.text(description, left, top + AMOUNT_SIZE * LINE + 2, { ...one, height: 2 * line });
    document.fillColor('#555555');
    const below = top + AMOUNT_SIZE * LINE + 2 + 2 * line + 2;
    document.text(orderId, left, below, { ...one, height: 2 * line });
  }
}
