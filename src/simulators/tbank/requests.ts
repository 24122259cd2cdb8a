// What the bank's methods take (T-Bank’s v2 documentation). A member that it does not know is no fault to it.

import { type Static, Type } from '@sinclair/typebox';
import { type RequestChecks, requestChecks } from '../request-checks.ts';

const paymentId = Type.Union([Type.String({ minLength: 1 }), Type.Integer({ minimum: 0 })]);
const signed = {
  TerminalKey: Type.String({ minLength: 1, maxLength: 20 }),
  Token: Type.String({ minLength: 1 }),
};
const ofPayment = { ...signed, PaymentId: paymentId };

const init = Type.Object({
  ...signed,
  // Its form and size have error codes of their own.
  Amount: Type.Unknown(),
  OrderId: Type.String({ minLength: 1, maxLength: 36 }),
  Description: Type.Optional(Type.String({ maxLength: 140 })),
  CustomerKey: Type.Optional(Type.String({ maxLength: 36 })),
  Recurrent: Type.Optional(Type.Literal('Y')),
  PayType: Type.Optional(Type.Union([Type.Literal('O'), Type.Literal('T')])),
  Language: Type.Optional(Type.String()),
  NotificationURL: Type.Optional(Type.String({ maxLength: 500 })),
  SuccessURL: Type.Optional(Type.String()),
  FailURL: Type.Optional(Type.String()),
  RedirectDueDate: Type.Optional(Type.String()),
  DATA: Type.Optional(
    Type.Record(Type.String({ pattern: '^.{1,20}$' }), Type.String({ maxLength: 100 }), {
      maxProperties: 20,
    }),
  ),
  Receipt: Type.Optional(Type.Object({})),
  Shops: Type.Optional(Type.Array(Type.Object({}))),
  Descriptor: Type.Optional(Type.String()),
});

const tbankRequests = {
  Init: init,
  GetQr: Type.Object({
    ...ofPayment,
    DataType: Type.Optional(Type.Union([Type.Literal('PAYLOAD'), Type.Literal('IMAGE')])),
    BankId: Type.Optional(Type.String()),
  }),
  GetState: Type.Object({ ...ofPayment, IP: Type.Optional(Type.String()) }),
  CheckOrder: Type.Object({ ...signed, OrderId: Type.String({ minLength: 1 }) }),
  Cancel: Type.Object({
    ...ofPayment,
    Amount: Type.Optional(Type.Unknown()),
    IP: Type.Optional(Type.String()),
    Receipt: Type.Optional(Type.Object({})),
    Shops: Type.Optional(Type.Array(Type.Object({}))),
    QrMemberId: Type.Optional(Type.String()),
    // Taken and given back, and not honoured for SBP: a second call is a second refund.
    ExternalRequestId: Type.Optional(Type.String({ maxLength: 256 })),
    Route: Type.Optional(Type.String()),
    Source: Type.Optional(Type.String()),
  }),
  GetQrState: Type.Object(ofPayment),
  QrMembersList: Type.Object(ofPayment),
  SbpPayTest: Type.Object({
    ...ofPayment,
    IsDeadlineExpired: Type.Optional(Type.Boolean()),
    IsRejected: Type.Optional(Type.Boolean()),
  }),
  GetQrBankList: Type.Object({
    ...signed,
    Device: Type.Object({ Type: Type.String(), Os: Type.Optional(Type.String()) }),
    ScenarioType: Type.Optional(Type.String()),
  }),
  Resend: Type.Object(signed),
} as const;

export type TbankMethod = keyof typeof tbankRequests;
export type TbankRequest<Method extends TbankMethod> = Static<(typeof tbankRequests)[Method]>;

const checks: RequestChecks<TbankMethod> = requestChecks<TbankMethod>(tbankRequests);

export function isMethod(name: string): name is TbankMethod {
  return checks.has(name);
}

export function fits(name: TbankMethod, body: unknown): boolean {
  return checks.fits(name, body);
}
