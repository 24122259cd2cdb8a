// The bank's methods: what each checks, in which order, and what it answers (T-Bank’s v2 documentation). Whatever the
// business says is HTTP 200; a refusal is `Success: false` with a code.

import { refuse, TBANK_ERRORS, type TbankRefusal } from './errors.ts';
import { isOpen, shownAmount, type TbankPayment, type TbankPayments } from './payments.ts';
import { fits, isMethod, type TbankMethod, type TbankRequest } from './requests.ts';
import type { TbankSettings, TbankTerminal } from './settings.ts';
import { tokenOf } from './token.ts';

export interface TbankDesk {
  readonly settings: TbankSettings;
  readonly payments: TbankPayments;
  readonly now: () => number;
  /** Sends undelivered notifications again; how many. */
  readonly resend: () => number;
}

type Members = Readonly<Record<string, unknown>>;
type Method<Name extends TbankMethod> = (
  desk: TbankDesk,
  request: TbankRequest<Name>,
  terminal: TbankTerminal,
) => Members | TbankRefusal;

const AMOUNT = /^\d{1,10}$/;
const OFFSET_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/;

const methods: { readonly [Name in TbankMethod]: Method<Name> } = {
  Init: init,
  GetQr: getQr,
  GetState: (desk, request) =>
    withPayment(desk, request, (payment) => ({
      ...stateOf(payment, desk.settings),
      ...(payment.status === 'REJECTED' && !desk.settings.failedIsSuccess ? REJECTED : {}),
      Params: [
        { Key: 'Route', Value: 'ACQ' },
        { Key: 'Source', Value: 'qrsbp' },
      ],
    })),
  CheckOrder: checkOrder,
  Cancel: cancel,
  GetQrState: (desk, request) => withPayment(desk, request, refundStateOf),
  QrMembersList: (desk, request) => withPayment(desk, request, membersOf),
  SbpPayTest: payTest,
  GetQrBankList: () => ({ BankList: BANKS }),
  Resend: (desk) => ({ Count: desk.resend() }),
};

const REJECTED = { Success: false, ErrorCode: '103', Message: 'There is not enough money.' };

const BANKS = [
  {
    BankId: '6f1bd8a3-6b1f-4d17-9a0f-3a2e60a3a7a1',
    NspkBankId: '100000000004',
    BankName: 'Т-Банк',
    BankLogo: '',
    BankOrder: 1,
  },
  {
    BankId: 'b0d3c0b9-0a4d-4f5c-8f1c-0a8f4e3a2b52',
    NspkBankId: '100000000111',
    BankName: 'Сбербанк',
    BankLogo: '',
    BankOrder: 2,
  },
];

/** Answers a call of `/v2/<name>`; undefined where there is no such method. */
export function answerCall(desk: TbankDesk, name: string, body: unknown): Members | undefined {
  if (!isMethod(name)) return undefined;
  const members = (typeof body === 'object' && body !== null ? body : {}) as Members;
  const result = call(desk, name, members);
  const named = { TerminalKey: members.TerminalKey };
  if (!isRefusal(result)) return { ...named, Success: true, ErrorCode: '0', ...result };
  const message = TBANK_ERRORS[result.refused];
  return {
    ...named,
    OrderId: members.OrderId,
    PaymentId: members.PaymentId,
    Success: false,
    ErrorCode: result.refused,
    Message: message,
    Details: message,
  };
}

function call(desk: TbankDesk, name: TbankMethod, members: Members): Members | TbankRefusal {
  if (!fits(name, members)) return refuse('2');
  const terminal = desk.settings.terminals.find(
    ({ terminalKey }) => terminalKey === members.TerminalKey,
  );
  if (terminal === undefined) return refuse('205');
  if (terminal.isBlocked) return refuse('202');
  if (tokenOf(members, terminal.password) !== members.Token) return refuse('204');
  const method = methods[name] as Method<TbankMethod>;
  return method(desk, members as TbankRequest<TbankMethod>, terminal);
}

function init(
  { settings, payments, now }: TbankDesk,
  request: TbankRequest<'Init'>,
  terminal: TbankTerminal,
): Members | TbankRefusal {
  const { TerminalKey, OrderId, RedirectDueDate, NotificationURL } = request;
  const amount = amountIn(request.Amount);
  if (typeof amount !== 'number') return amount;
  if (amount < settings.initMin) return refuse('251');
  const dueAt = dueAtOf(RedirectDueDate, now(), settings);
  if (typeof dueAt !== 'number') return dueAt;
  if (NotificationURL !== undefined && !URL.canParse(NotificationURL)) return refuse('2');
  if (settings.orderIdUnique && payments.ofOrder(TerminalKey, OrderId).length > 0) {
    return refuse('20');
  }

  const payment = payments.create({
    terminalKey: TerminalKey,
    orderId: OrderId,
    amount,
    dueAt,
    notificationUrl: NotificationURL ?? terminal.notificationUrl,
  });
  return {
    Amount: amount,
    OrderId,
    Status: payment.status,
    PaymentId: payment.paymentId,
    PaymentURL: `https://pay.example/${payment.paymentId}`,
  };
}

function getQr(
  desk: TbankDesk,
  request: TbankRequest<'GetQr'>,
  terminal: TbankTerminal,
): Members | TbankRefusal {
  const { settings, payments } = desk;
  if (!terminal.sbp) return refuse('3001');
  return withPayment(desk, request, (payment) => {
    if (!isOpen(payment)) return refuse('8');
    if (payment.amount < settings.qrMin || payment.amount > settings.qrMax) return refuse('3016');
    const payload = payments.payloadOf(payment);
    return {
      OrderId: payment.orderId,
      Data: request.DataType === 'IMAGE' ? `<svg><!-- ${payload} --></svg>` : payload,
      // A number here, and a string in Init.
      PaymentId: Number(payment.paymentId),
    };
  });
}

function checkOrder(
  { settings, payments }: TbankDesk,
  { TerminalKey, OrderId }: TbankRequest<'CheckOrder'>,
): Members | TbankRefusal {
  const found = payments.ofOrder(TerminalKey, OrderId);
  if (found.length === 0) return refuse('335');
  return {
    OrderId,
    Payments: found.map((payment) => ({
      PaymentId: payment.paymentId,
      Amount: shownAmount(payment, settings),
      Status: payment.status,
      // A string and a number, where all others have it the other way round.
      Success: 'true',
      ErrorCode: 0,
      Message: 'OK',
      ...(payment.sbpPaymentId === undefined
        ? {}
        : {
            SbpPaymentId: payment.sbpPaymentId,
            SbpCustomerId: tokenOf({ payer: payment.paymentId }, 'payer'),
          }),
    })),
  };
}

function cancel(desk: TbankDesk, request: TbankRequest<'Cancel'>): Members | TbankRefusal {
  return withPayment(desk, request, (payment) => {
    const amount = request.Amount === undefined ? payment.amount : amountIn(request.Amount);
    if (typeof amount !== 'number') return amount;
    const before = payment.amount - payment.refunded;
    const wasOpen = isOpen(payment);
    const refused = desk.payments.cancel(payment, amount);
    if (refused !== undefined) return refused;
    return {
      OrderId: payment.orderId,
      Status: payment.status,
      PaymentId: payment.paymentId,
      OriginalAmount: before,
      NewAmount: wasOpen ? 0 : before - amount,
      ...(request.ExternalRequestId === undefined
        ? {}
        : { ExternalRequestId: request.ExternalRequestId }),
    };
  });
}

function payTest(desk: TbankDesk, request: TbankRequest<'SbpPayTest'>): Members | TbankRefusal {
  const { IsDeadlineExpired, IsRejected } = request;
  if (IsDeadlineExpired && IsRejected) return refuse('2');
  return withPayment(desk, request, (payment) => {
    if (IsDeadlineExpired) return desk.payments.expire(payment) ?? {};
    if (IsRejected) return desk.payments.reject(payment) ?? {};
    return desk.payments.pay(payment) ?? {};
  });
}

/** The status of the latest refund, not of the payment. */
function refundStateOf(payment: TbankPayment): Members {
  const latest = payment.refunds.at(-1);
  const base = { OrderId: payment.orderId, Amount: latest?.amount ?? payment.amount };
  if (latest?.status !== 'failed') return { ...base, Status: payment.status };
  const message = latest.code === undefined ? '' : TBANK_ERRORS[latest.code];
  return { ...base, Status: 'REJECTED', QrCancelCode: 'I05043', QrCancelMessage: message };
}

function membersOf(payment: TbankPayment): Members | TbankRefusal {
  if (payment.status !== 'CONFIRMED' && payment.status !== 'PARTIAL_REFUNDED') return refuse('8');
  return {
    OrderId: payment.orderId,
    Members: [{ MemberId: '100000000111', MemberName: 'Сбербанк', IsPayee: true }],
  };
}

function stateOf(payment: TbankPayment, settings: TbankSettings): Members {
  return {
    OrderId: payment.orderId,
    Amount: shownAmount(payment, settings),
    Status: payment.status,
    PaymentId: payment.paymentId,
  };
}

function withPayment<Request extends { TerminalKey: string; PaymentId: string | number }>(
  { payments }: TbankDesk,
  { TerminalKey, PaymentId }: Request,
  then: (payment: TbankPayment) => Members | TbankRefusal,
): Members | TbankRefusal {
  if (!/^\d{1,20}$/.test(String(PaymentId))) return refuse('237');
  const payment = payments.find(String(PaymentId));
  if (payment?.terminalKey !== TerminalKey) return refuse('255');
  return then(payment);
}

function amountIn(value: unknown): number | TbankRefusal {
  if (!AMOUNT.test(String(value))) return refuse('240');
  const amount = Number(value);
  return amount === 0 ? refuse('620') : amount;
}

function dueAtOf(
  text: string | undefined,
  now: number,
  { dueMinMs, dueMaxMs, dueMs }: TbankSettings,
): number | TbankRefusal {
  if (text === undefined) return now + dueMs;
  const dueAt = OFFSET_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(dueAt)) return refuse('12');
  return dueAt < now + dueMinMs || dueAt > now + dueMaxMs ? refuse('3017') : dueAt;
}

function isRefusal(result: Members | TbankRefusal): result is TbankRefusal & Members {
  return 'refused' in result;
}
