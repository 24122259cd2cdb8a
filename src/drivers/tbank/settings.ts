// What a merchant's terminal at T-Bank is set up with. Where the bank's papers leave a thing open, it is a setting.

import { type Static, Type } from '@sinclair/typebox';

export const tbankSettings = Type.Object(
  {
    /** Without a slash at its end: https://securepay.tinkoff.ru for real money, and for SBP's DEMO terminals. */
    baseUrl: Type.String({ pattern: '^https?://[^/]+$', maxLength: 200 }),
    terminalKey: Type.String({ minLength: 1, maxLength: 20 }),
    password: Type.String({ minLength: 1, maxLength: 64 }),
    /** Where the bank's notifications are to go; left out, it is only polled. */
    notificationUrl: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 500 })),
    timeoutMs: Type.Integer({ minimum: 100, maximum: 60_000, default: 10_000 }),
    connectionsMax: Type.Integer({ minimum: 1, maximum: 1_000, default: 16 }),
    /**
     * How long after a lost answer a call may still take effect at the bank. What has not left after half of it is not sent:
     * with less than the least, nothing ever would be.
     */
    settleMs: Type.Integer({ minimum: 1_000, maximum: 600_000, default: 60_000 }),
    /**
     * What GetState calls Amount: `current`, what is left after refunds, or `original`. With the latter the bank does not
     * say how much it has given back in part, so only whole refunds are made. Where this is wrong, a refund in part stays
     * `pending`: what GetState says of it makes no sense, and nothing is sent.
     */
    amountInState: Type.Union([Type.Literal('current'), Type.Literal('original')], {
      default: 'current',
    }),
  },
  { additionalProperties: false },
);

export type TbankDriverSettings = Static<typeof tbankSettings>;
