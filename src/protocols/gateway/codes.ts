// QR codes as SVG, PNG and text. Modules are whole pixels, the same number each, or a printer and a scanner would have to
// guess; what is left of the size goes to the quiet zone.

import qrcode, { type QRCode, type QRCodeErrorCorrectionLevel } from 'qrcode';
import type { Problem } from '../problem-document.ts';
import { encodePng } from './png.ts';
import type { QueryValues } from './query.ts';

export type CodeForm = 'svg' | 'png' | 'txt';

export interface Drawn {
  readonly contentType: string;
  readonly body: Uint8Array | string;
}

type Ecc = Extract<QRCodeErrorCorrectionLevel, 'L' | 'M' | 'Q' | 'H'>;

const SIZE_DEFAULT = 256;
const MARGIN_DEFAULT = 4;
/** A module of one pixel is lost on most printers, and on the readers of most phones. */
const MODULE_PX_MIN = 2;
/** What is tried where nothing is asked for: 15 % of a code may be lost, or 7 % where only that fits. */
const ECC_DEFAULTS: readonly Ecc[] = ['M', 'L'];

/** Draws a payload; `size` in pixels and `margin` in modules as validated by the call’s query schema. */
export function drawCode(payload: string, form: CodeForm, values: QueryValues): Drawn | Problem {
  const size = typeof values.size === 'number' ? values.size : SIZE_DEFAULT;
  const margin = typeof values.margin === 'number' ? values.margin : MARGIN_DEFAULT;
  const levels = values.ecc === undefined ? ECC_DEFAULTS : [values.ecc as Ecc];
  let sizeMin = 0;
  for (const level of levels) {
    const code = codeOf(payload, level);
    if (code === undefined) continue;
    if (form === 'txt') {
      return { contentType: 'text/plain; charset=utf-8', body: drawText(code, margin) };
    }
    const width = code.size + 2 * margin;
    const scale = Math.floor(size / width);
    if (scale >= MODULE_PX_MIN) return drawn(code, form, { size, scale });
    sizeMin = width * MODULE_PX_MIN;
  }
  if (sizeMin === 0) {
    const detail = `This text fits no code with an ecc of ${levels.at(-1)}.`;
    return { code: 'qr.tooDense', detail };
  }
  return {
    code: 'qr.tooDense',
    detail: `This code needs a size of ${sizeMin} pixels with a margin of ${margin}.`,
    members: { sizeMin },
  };
}

interface Layout {
  readonly size: number;
  /** Pixels of a module. */
  readonly scale: number;
}

function drawn(code: Modules, form: 'svg' | 'png', layout: Layout): Drawn {
  return form === 'svg'
    ? { contentType: 'image/svg+xml', body: drawSvg(code, layout) }
    : { contentType: 'image/png', body: drawPng(code, layout) };
}

interface Modules {
  readonly size: number;
  isDark(row: number, column: number): boolean;
}

/** Undefined: with this error correction the largest code has no room for it. */
function codeOf(payload: string, level: Ecc): Modules | undefined {
  let code: QRCode;
  try {
    code = qrcode.create(payload, { errorCorrectionLevel: level });
  } catch (error) {
    // The library says so by nothing but its words.
    if (error instanceof Error && error.message.includes('too big')) return undefined;
    throw error;
  }
  const { modules } = code;
  const { size } = modules;
  return {
    size,
    isDark: (row, column) =>
      row >= 0 && column >= 0 && row < size && column < size && modules.get(row, column) === 1,
  };
}

function offsetOf(code: Modules, { size, scale }: Layout): number {
  return Math.floor((size - code.size * scale) / 2);
}

/** One path of rectangles, a run of dark modules each. */
function drawSvg(code: Modules, layout: Layout): string {
  const { size, scale } = layout;
  const offset = offsetOf(code, layout);
  let path = '';
  for (let row = 0; row < code.size; row++) {
    for (let column = 0; column < code.size; column++) {
      const start = column;
      while (code.isDark(row, column)) column += 1;
      if (column === start) continue;
      const width = (column - start) * scale;
      path += `M${offset + start * scale} ${offset + row * scale}h${width}v${scale}h-${width}z`;
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path fill="#000" d="${path}"/></svg>\n`;
}

function drawPng(code: Modules, layout: Layout): Uint8Array {
  const offset = offsetOf(code, layout);
  const at = (pixel: number): number => Math.floor((pixel - offset) / layout.scale);
  return encodePng(layout.size, (x, y) => code.isDark(at(y), at(x)));
}

/** Two rows of modules a line. */
function drawText(code: Modules, margin: number): string {
  let text = '';
  for (let row = -margin; row < code.size + margin; row += 2) {
    for (let column = -margin; column < code.size + margin; column++) {
      const upper = code.isDark(row, column) ? 2 : 0;
      const lower = code.isDark(row + 1, column) ? 1 : 0;
      text += HALVES[upper + lower];
    }
    text += '\n';
  }
  return text;
}

const HALVES = [' ', '▄', '▀', '█'] as const;
