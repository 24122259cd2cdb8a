// The bank's error codes, as far as the simulator gives them, with what they mean in our words.

export const TBANK_ERRORS = {
  '2': 'A required member is missing.',
  '4': 'The status of the payment cannot be changed.',
  '8': 'The payment is in a wrong status for this.',
  '12': 'RedirectDueDate is not a time.',
  '20': 'An order of this number is there already.',
  '99': 'Try later.',
  '202': 'The terminal is blocked.',
  '204': 'The token is wrong.',
  '205': 'There is no such terminal.',
  '237': 'PaymentId has up to 20 digits.',
  '240': 'The amount has a wrong form.',
  '251': 'The amount is below the smallest.',
  '255': 'There is no such payment.',
  '330': 'More than there is to give back.',
  '335': 'The terminal has no such order.',
  '620': 'The amount is zero.',
  '3001': 'Payment by SBP is not switched on.',
  '3002': 'There is not enough money to refund.',
  '3008': 'The payee has no account in that bank.',
  '3009': 'Refused by SBP or by the bank.',
  '3016': 'A QR code cannot be made for this amount.',
  '3017': 'RedirectDueDate lies too near or too far.',
  '3028': 'The payer’s bank refused the refund.',
  '3029': 'The refund attempts of this hour are used up.',
  '3030': 'The refund attempts of this day are used up.',
  '3031': 'The payer’s bank refused the refund.',
  '3037': 'This may not be called again.',
  '3038': 'Refunds need a settlement account at the bank.',
  '3040': 'A technical error.',
} as const;

export type TbankErrorCode = keyof typeof TBANK_ERRORS;

export interface TbankRefusal {
  readonly refused: TbankErrorCode;
}

export function refuse(code: TbankErrorCode): TbankRefusal {
  return { refused: code };
}

export function isErrorCode(text: string): text is TbankErrorCode {
  return text in TBANK_ERRORS;
}
