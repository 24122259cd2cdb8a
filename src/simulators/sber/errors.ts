// Error codes: six digits, of which the first two are a family ("Плати QR" v3). Which of a family the bank gives is not
// told, so it is always the first.

export const SBER_ERRORS = {
  '000000': '',
  '010000': 'Refused.',
  '020000': 'There is no such outlet.',
  '040000': 'Not permitted.',
  '050000': 'The request has a wrong form.',
  '070000': 'The refund is more than the payment.',
  '080000': 'This call does not follow on the one before.',
  '090000': 'The payment to give back is not found.',
  '100000': 'There is no such order.',
  '110000': 'The amount is wrong.',
  '120000': 'There is no such partner.',
  '130000': 'The operation was not successful.',
  '150000': 'There is no such operation.',
  '160000': 'The currency is wrong.',
  '170000': 'An allowed interval is exceeded.',
} as const;

export type SberErrorCode = keyof typeof SBER_ERRORS;

export interface SberRefusal {
  readonly refused: SberErrorCode;
}

export function refuse(code: SberErrorCode): SberRefusal {
  return { refused: code };
}

export function isErrorCode(text: string): text is SberErrorCode {
  return text in SBER_ERRORS;
}
