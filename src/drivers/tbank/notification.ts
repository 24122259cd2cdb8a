// T-Bank's notifications. Signed, but not dated: the same one can come again, late, and in another order. So it only says
// which payment is worth a look.

import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type {
  NotificationReading,
  PostedNotification,
  PostedReply,
} from '../contract/bill-driver.ts';
import { jsonObjectIn } from '../http/json.ts';
import type { TbankDriverSettings } from './settings.ts';
import { isSigned } from './token.ts';

const notification = Type.Object({
  TerminalKey: Type.String(),
  OrderId: Type.String({ minLength: 1, maxLength: 36 }),
  PaymentId: Type.Union([Type.String({ pattern: '^\\d{1,20}$' }), Type.Integer({ minimum: 1 })]),
  Status: Type.String(),
});

/** The bank takes nothing else for "taken". */
const OK: PostedReply = { status: 200, headers: { 'content-type': 'text/plain' }, body: 'OK' };
const NO: PostedReply = { status: 403, headers: { 'content-type': 'text/plain' }, body: 'no' };

export function readTbankNotification(
  posted: PostedNotification,
  settings: Pick<TbankDriverSettings, 'terminalKey' | 'password'>,
): NotificationReading {
  const message = jsonObjectIn(posted.body);
  if (message === undefined || !Value.Check(notification, message)) {
    return { refused: 'it is no notification of T-Bank', reply: NO };
  }
  if (message.TerminalKey !== settings.terminalKey) {
    return { refused: 'it is for another terminal', reply: NO };
  }
  if (!isSigned(message as Record<string, unknown>, settings.password)) {
    return { refused: 'its signature is wrong', reply: NO };
  }
  return { about: { id: message.OrderId, ref: String(message.PaymentId) }, reply: OK };
}
