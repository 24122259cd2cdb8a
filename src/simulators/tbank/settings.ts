// What a simulated T-Bank is like. Figures that the bank publishes are the defaults; where its papers say nothing, or
// two things, it is a switch to set either way, and a driver must live with both.

import { type Static, Type } from '@sinclair/typebox';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const closed = { additionalProperties: false } as const;
const flag = (whenLeftOut: boolean, description: string) =>
  Type.Boolean({ default: whenLeftOut, description });
const ms = (whenLeftOut: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 400 * DAY_MS, default: whenLeftOut, description });
const kopecks = (whenLeftOut: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 1e12, default: whenLeftOut, description });

const terminalSchema = Type.Object(
  {
    terminalKey: Type.String({ minLength: 1, maxLength: 20 }),
    password: Type.String({ minLength: 1, maxLength: 64 }),
    /** Whether payments by SBP are switched on. */
    sbp: Type.Boolean({ default: true }),
    isBlocked: Type.Boolean({ default: false }),
    /** Where a payment names no address of its own. */
    notificationUrl: Type.Optional(Type.String({ maxLength: 500 })),
  },
  closed,
);

export const tbankSettingsSchema = Type.Object(
  {
    terminals: Type.Array(terminalSchema, { minItems: 1, maxItems: 1_000 }),
    seed: Type.Integer({ default: 1 }),
    /** The bank's number as a member of SBP. */
    bankMember: Type.String({ pattern: '^\\d{12}$', default: '100000000004' }),
    initMin: kopecks(100, 'Init refuses less (251); the terminal’s own setting at the bank.'),
    qrMin: kopecks(1_000, 'GetQr refuses less (3016).'),
    qrMax: kopecks(100_000_000, 'GetQr refuses more (3016).'),
    dueMinMs: ms(60_000, 'RedirectDueDate lies at least so far ahead (3017).'),
    dueMaxMs: ms(90 * DAY_MS, 'RedirectDueDate lies at most so far ahead (3017).'),
    dueMs: ms(DAY_MS, 'The life of a payment that names no RedirectDueDate.'),
    orderIdUnique: flag(
      true,
      'A repeated OrderId is refused (20); else it makes one more payment.',
    ),
    qrShowsForm: flag(true, 'GetQr moves NEW to FORM_SHOWED; else the first attempt to pay does.'),
    formShownCancels: flag(true, 'Cancel ends FORM_SHOWED as it ends NEW; else it answers 8.'),
    amountIsCurrent: flag(
      true,
      'Amount in GetState and notifications is what is left after refunds; else what was paid.',
    ),
    failedIsSuccess: flag(
      true,
      'GetState of a payment that has failed answers Success: true; else false, and why it failed.',
    ),
    refundDelayMs: ms(0, 'A refund stays ASYNC_REFUNDING so long; 0: it is done at once.'),
    refundShowsAtOnce: flag(
      false,
      'Amount falls when a refund is begun, and rises again where it fails; else when it is done.',
    ),
    refundAttemptsPerHour: Type.Integer({ minimum: 1, maximum: 100, default: 1 }),
    refundAttemptsPerDay: Type.Integer({ minimum: 1, maximum: 100, default: 5 }),
    notificationTimeoutMs: ms(10_000, 'How long the bank waits for OK.'),
    notifiesForAMonth: flag(
      false,
      'After a day of hourly notifications come daily ones for a month; else none.',
    ),
    notifiesDeadline: flag(
      false,
      'DEADLINE_EXPIRED is notified, as the bank does on request only.',
    ),
  },
  closed,
);

export type TbankTerminal = Static<typeof terminalSchema>;
export type TbankSettings = Static<typeof tbankSettingsSchema>;

/** After the first attempt: hourly for a day, and by the other reading of the paper daily for a month. */
export function notificationSchedule(settings: TbankSettings): number[] {
  const hourly = Array.from({ length: 24 }, (_, no) => (no + 1) * HOUR_MS);
  if (!settings.notifiesForAMonth) return hourly;
  return [...hourly, ...Array.from({ length: 30 }, (_, no) => (no + 2) * DAY_MS)];
}
