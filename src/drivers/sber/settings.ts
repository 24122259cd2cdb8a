// What a merchant's outlet at Sber is set up with.

import { type Static, Type } from '@sinclair/typebox';

export const sberSettings = Type.Object(
  {
    /** Without a slash at its end: https://mc.api.sberbank.ru:443 for real money. */
    baseUrl: Type.String({ pattern: '^https?://[^/]+$', maxLength: 200 }),
    tokenPath: Type.String({ pattern: '^/', maxLength: 200, default: '/prod/tokens/v3/oauth' }),
    orderPath: Type.String({ pattern: '^/', maxLength: 200, default: '/prod/qr/order/v3' }),
    clientId: Type.String({ minLength: 1, maxLength: 64 }),
    clientSecret: Type.String({ minLength: 1, maxLength: 64 }),
    memberId: Type.String({ minLength: 1, maxLength: 8 }),
    /** The device’s number; for codes of SBP the terminal’s. */
    idQr: Type.String({ minLength: 1, maxLength: 36 }),
    tid: Type.String({ minLength: 1, maxLength: 8 }),
    /** `own`: a code of Sber’s. `sbp`: a code that the apps of all banks read. */
    code: Type.Union([Type.Literal('own'), Type.Literal('sbp')], { default: 'sbp' }),
    sbpMemberId: Type.Union([Type.Literal('100000000111'), Type.Literal('110000000111')], {
      default: '100000000111',
    }),
    /** The certificate that the bank issues to each client, and its key; PEM. */
    tls: Type.Optional(
      Type.Object(
        {
          cert: Type.String(),
          key: Type.String(),
          /** The authorities that sign the bank’s own, where the system does not know them. */
          ca: Type.Optional(Type.String()),
        },
        { additionalProperties: false },
      ),
    ),
    /** Whether the bank has been given an address to notify. */
    isNotified: Type.Boolean({ default: false }),
    timeoutMs: Type.Integer({ minimum: 100, maximum: 60_000, default: 10_000 }),
    connectionsMax: Type.Integer({ minimum: 1, maximum: 1_000, default: 16 }),
    /**
     * How long after a lost answer a call may still take effect at the bank. What has not left after half of it is not sent:
     * with less than the least, nothing ever would be.
     */
    settleMs: Type.Integer({ minimum: 1_000, maximum: 600_000, default: 60_000 }),
  },
  { additionalProperties: false },
);

export type SberDriverSettings = Static<typeof sberSettings>;
