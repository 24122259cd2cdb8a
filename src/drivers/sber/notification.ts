// Sber's notifications. Nothing in one proves who sent it, so it only says which order is worth a look.

import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { NotificationReading, PostedNotification } from '../contract/bill-driver.ts';
import { jsonObjectIn } from '../http/json.ts';
import type { SberDriverSettings } from './settings.ts';

const notification = Type.Object({
  rqUid: Type.String({ maxLength: 64 }),
  rqTm: Type.String({ maxLength: 64 }),
  memberId: Type.String(),
  orderId: Type.String({ minLength: 1, maxLength: 36 }),
  partnerOrderNumber: Type.String({ minLength: 1, maxLength: 36 }),
});

const JSON_TYPE = { 'content-type': 'application/json' };

export function readSberNotification(
  posted: PostedNotification,
  { memberId }: Pick<SberDriverSettings, 'memberId'>,
): NotificationReading {
  const message = jsonObjectIn(posted.body);
  if (message === undefined || !Value.Check(notification, message)) {
    return {
      refused: 'it is no notification of Sber',
      reply: { status: 400, headers: JSON_TYPE, body: '{}' },
    };
  }
  const { rqUid, rqTm, orderId, partnerOrderNumber } = message;
  const body = JSON.stringify({ rqUid, rqTm });
  if (message.memberId !== memberId) {
    return {
      refused: 'it is for another member',
      reply: { status: 403, headers: JSON_TYPE, body },
    };
  }
  return {
    about: { id: partnerOrderNumber, ref: orderId },
    reply: { status: 200, headers: JSON_TYPE, body },
  };
}
