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
  if (form === 'png')
    return { contentType, body: await qrcode.toBuffer(payload, { ...options, type: 'png' }) };
  const type = form === 'svg' ? 'svg' : 'utf8';
  return { contentType, body: await qrcode.toString(payload, { ...options, type }) };
}

function eccOf(value: string | number | undefined): 'L' | 'M' | 'Q' | 'H' {
  return value === 'L' || value === 'Q' || value === 'H' ? value : 'M';
}
