// What a simulated Sber is like ("Плати QR", QR.API v3). Published figures are the defaults; what no paper settles is a
// setting, and a driver must live with either.

import { type Static, Type } from '@sinclair/typebox';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const closed = { additionalProperties: false } as const;
const flag = (whenLeftOut: boolean, description: string) =>
  Type.Boolean({ default: whenLeftOut, description });
const ms = (whenLeftOut: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 400 * DAY_MS, default: whenLeftOut, description });

export const sberSettingsSchema = Type.Object(
  {
    clientId: Type.String({ minLength: 1, maxLength: 64 }),
    clientSecret: Type.String({ minLength: 1, maxLength: 64 }),
    memberId: Type.String({ minLength: 1, maxLength: 8 }),
    /** The outlets: each a device’s number and its terminal’s. */
    outlets: Type.Array(
      Type.Object(
        {
          idQr: Type.String({ minLength: 1, maxLength: 36 }),
          tid: Type.String({ minLength: 1, maxLength: 8 }),
        },
        closed,
      ),
      { minItems: 1, maxItems: 1_000 },
    ),
    notifyUrl: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 500 })),
    seed: Type.Integer({ default: 1 }),
    tokenLifeMs: ms(MINUTE_MS, 'An access token is good for so long.'),
    rateLimit: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1_000_000 }),
    rateWindowMs: ms(1_000, 'So many calls in so long; more are 429.'),
    repeatedOrderNumber: Type.Union(
      [Type.Literal('refused'), Type.Literal('same'), Type.Literal('second')],
      {
        default: 'refused',
        description: 'What a second creation with the same number does: no paper says.',
      },
    ),
    paysByItself: flag(
      false,
      'As in the bank’s sandbox: an order is paid a minute after its creation.',
    ),
    notifiesSbp: flag(true, 'One paper says that SBP is notified of, another that it is not.'),
    sbpConfirmMs: ms(0, 'A payment by SBP is ON_PAYMENT so long.'),
    sbpRefundConfirmMs: ms(
      0,
      'A refund by SBP leaves its order ON_PAYMENT so long, and is listed then: no paper says.',
    ),
    notificationTimeoutMs: ms(MINUTE_MS, 'How long the bank waits for a 2xx.'),
    notificationRetries: Type.Integer({ minimum: 0, maximum: 100, default: 5 }),
    notificationRetryMs: ms(10 * MINUTE_MS, 'How far apart; no paper says.'),
  },
  closed,
);

export type SberSettings = Static<typeof sberSettingsSchema>;
