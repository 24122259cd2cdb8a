// QR codes as SVG, PNG and text. A pure function of the bill’s id, so nothing is kept.

import qrcode from 'qrcode';
import type { QueryValues } from './query.ts';

export type CodeForm = 'svg' | 'png' | 'txt';

const CONTENT_TYPES: Readonly<Record<CodeForm, string>> = {
  svg: 'image/svg+xml',
  png: 'image/png',
  txt: 'text/plain; charset=utf-8',
};
const SIZE_DEFAULT = 256;
const MARGIN_DEFAULT = 4;

/** Draws a payload; `size` in pixels and `margin` in modules as validated by the call’s query schema. */
export async function drawCode(
  payload: string,
  form: CodeForm,
  values: QueryValues,
): Promise<{ contentType: string; body: Uint8Array | string }> {
  const options = {
    width: typeof values.size === 'number' ? values.size : SIZE_DEFAULT,
    margin: typeof values.margin === 'number' ? values.margin : MARGIN_DEFAULT,
    errorCorrectionLevel: eccOf(values.ecc),
  };
  const contentType = CONTENT_TYPES[form];
  switch (form) {
    case 'png':
      return { contentType, body: await qrcode.toBuffer(payload, { ...options, type: 'png' }) };
    case 'svg':
      return { contentType, body: await qrcode.toString(payload, { ...options, type: 'svg' }) };
    default:
      return { contentType, body: drawText(payload, options) };
  }
}

/** Two rows of modules a line. The library’s own text cannot draw an odd margin. */
function drawText(
  payload: string,
  options: { margin: number; errorCorrectionLevel: 'L' | 'M' | 'Q' | 'H' },
): string {
  const { modules } = qrcode.create(payload, options);
  const { margin } = options;
  const isDark = (row: number, column: number): boolean =>
    row >= 0 &&
    column >= 0 &&
    row < modules.size &&
    column < modules.size &&
    modules.get(row, column) === 1;
  let text = '';
  for (let row = -margin; row < modules.size + margin; row += 2) {
    for (let column = -margin; column < modules.size + margin; column++) {
      const upper = isDark(row, column) ? 2 : 0;
      const lower = isDark(row + 1, column) ? 1 : 0;
      text += HALVES[upper + lower];
    }
    text += '\n';
  }
  return text;
}

const HALVES = [' ', '▄', '▀', '█'] as const;

function eccOf(value: string | number | undefined): 'L' | 'M' | 'Q' | 'H' {
  return value === 'L' || value === 'Q' || value === 'H' ? value : 'M';
}
