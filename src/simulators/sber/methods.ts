// The calls, and what each answers ("Плати QR" v3). A refusal of the business is HTTP 200 with a code; a request of a
// wrong form is HTTP 400.

import { refuse, SBER_ERRORS, type SberErrorCode, type SberRefusal } from './errors.ts';
import {
  paymentOf,
  returnedOf,
  type SberOperation,
  type SberOrder,
  type SberOrders,
} from './orders.ts';
import { fits, type SberCall, type SberRequest } from './requests.ts';
import type { SberSettings } from './settings.ts';

export interface SberDesk {
  readonly settings: SberSettings;
  readonly orders: SberOrders;
  readonly now: () => number;
}

export type Members = Readonly<Record<string, unknown>>;
type Method<Call extends SberCall> = (
  desk: SberDesk,
  request: SberRequest<Call>,
) => Members | SberRefusal;

const methods: { readonly [Call in SberCall]: Method<Call> } = {
  creation: create,
  status,
  revocation: revoke,
  cancel,
  registry,
};

const ROUBLES = '643';
const ROWS_MAX = 1_000;

/** The body of the answer; `isForm`: the request had a wrong form. */
export function answerCall(
  desk: SberDesk,
  call: SberCall,
  body: unknown,
): { readonly body: Members; readonly isForm: boolean } {
  const isForm = !fits(call, body);
  const members = (typeof body === 'object' && body !== null ? body : {}) as Members;
  const method = methods[call] as Method<SberCall>;
  const result = isForm
    ? refuse('050000')
    : method(desk, members as unknown as SberRequest<SberCall>);
  const code = 'refused' in result ? (result as SberRefusal).refused : '000000';
  const head = call === 'registry' ? registryHead(members, code) : headOf(members, code, desk);
  return { body: { ...head, ...('refused' in result ? {} : result) }, isForm };
}

function create({ settings, orders }: SberDesk, request: SberRequest<'creation'>) {
  const { order_number, order_sum, sbp_member_id } = request;
  if (request.member_id !== settings.memberId) return refuse('120000');
  const outlet = outletOf(settings, request.id_qr);
  if (outlet === undefined) return refuse('020000');
  if (request.currency !== ROUBLES) return refuse('160000');
  if (order_sum === 0) return refuse('110000');
  const [earlier] = orders.ofNumber(order_number);
  if (earlier !== undefined && settings.repeatedOrderNumber === 'refused') return refuse('010000');
  const isSame = earlier !== undefined && settings.repeatedOrderNumber === 'same';
  const order = isSame
    ? earlier
    : orders.create({
        orderNumber: order_number,
        idQr: outlet.idQr,
        tid: outlet.tid,
        sum: order_sum,
        currency: request.currency,
        isSbp: sbp_member_id !== undefined,
      });
  return {
    order_number,
    order_id: order.orderId,
    order_state: order.state,
    order_form_url: order.formUrl,
  };
}

/** It does not give the text of the code again. */
function status({ orders }: SberDesk, request: SberRequest<'status'>): Members | SberRefusal {
  const { order_id, partner_order_number, tid } = request;
  const found = orders.ofNumber(partner_order_number);
  const order =
    order_id === undefined ? found.at(-1) : found.find(({ orderId }) => orderId === order_id);
  if (order === undefined) return refuse('100000');
  if (order.tid !== tid) return refuse('020000');
  return {
    mid: '000000000000001',
    tid: order.tid,
    id_qr: order.idQr,
    order_id: order.orderId,
    order_state: order.state,
    ...(order.operations.length === 0
      ? {}
      : { order_operation_params: order.operations.map((one) => operationRow(order, one)) }),
    ...(order.isSbp && paymentOf(order) !== undefined
      ? {
          sbp_operation_params: {
            sbp_operation_id: paymentOf(order)?.operationId,
            sbp_masked_payer_id: '+7 (***) ***-**-17',
          },
        }
      : {}),
  };
}

function revoke({ orders }: SberDesk, { order_id }: SberRequest<'revocation'>) {
  const order = orders.find(order_id);
  if (order === undefined) return refuse('100000');
  return orders.revoke(order) ?? { order_id, order_state: order.state };
}

/** Here it is `order_status`, and in all other answers `order_state`. */
function cancel({ orders }: SberDesk, request: SberRequest<'cancel'>): Members | SberRefusal {
  const order = orders.find(request.order_id);
  if (order === undefined) return refuse('100000');
  if (order.tid !== request.tid || order.idQr !== request.id_qr) return refuse('020000');
  const payment = paymentOf(order);
  if (payment === undefined) return refuse('090000');
  const isPayment =
    request.operation_id === payment.operationId && request.auth_code === payment.authCode;
  if (!isPayment) return refuse('150000');
  if (request.operation_currency !== order.currency) return refuse('160000');
  const type = request.operation_type ?? 'REFUND';
  const given = orders.giveBack(order, { type, sum: request.cancel_operation_sum, by: 'api' });
  if ('refused' in given) return given;
  return {
    order_id: order.orderId,
    order_status: order.state,
    operation_id: given.operationId,
    operation_date_time: momentOf(given.at),
    operation_type: type,
    operation_sum: given.sum,
    operation_currency: order.currency,
    auth_code: given.authCode,
    rrn: given.rrn,
    tid: order.tid,
    id_qr: order.idQr,
  };
}

/** Only what was successful is listed. */
function registry({ settings, orders }: SberDesk, request: SberRequest<'registry'>) {
  const outlet = outletOf(settings, request.idQR);
  if (outlet === undefined) return refuse('020000');
  const [start, end] = [Date.parse(request.startPeriod), Date.parse(request.endPeriod)];
  if (!(start <= end)) return refuse('050000');
  const listed = orders.all.filter(
    (order) =>
      order.idQr === outlet.idQr &&
      paymentOf(order) !== undefined &&
      order.operations.some(({ at }) => at >= start && at <= end),
  );
  const base = { tid: outlet.tid, idQR: outlet.idQr };
  if (request.registryType === 'QUANTITY') return { ...base, quantityData: totalsOf(listed) };
  return {
    ...base,
    registryData: { orderParams: { orderParam: listed.slice(0, ROWS_MAX).map(registryRow) } },
  };
}

function totalsOf(orders: readonly SberOrder[]): Members {
  const paid = orders.reduce((sum, order) => sum + (paymentOf(order)?.sum ?? 0), 0);
  const refunded = orders.reduce((sum, order) => sum + returnedOf(order), 0);
  return {
    totalCount: orders.length,
    totalPaymentAmount: paid,
    totalRefundAmount: refunded,
    totalAmount: paid - refunded,
  };
}

function registryRow(order: SberOrder): Members {
  return {
    orderId: order.orderId,
    partnerOrderNumber: order.orderNumber,
    amount: order.sum,
    currency: order.currency,
    orderCreateDate: momentOf(order.createdAt),
    orderState: order.state,
    orderOperationParams: {
      orderOperationParam: order.operations
        .filter(({ responseCode }) => responseCode === '00')
        .map((operation) => ({
          operationId: operation.operationId,
          operationDateTime: momentOf(operation.at),
          rrn: operation.rrn,
          operationType: operation.type,
          operationSum: operation.sum,
          operationCurrency: order.currency,
          authCode: operation.authCode,
          responseCode: operation.responseCode,
        })),
    },
  };
}

function operationRow(order: SberOrder, operation: SberOperation): Members {
  return {
    operation_id: operation.operationId,
    operation_date_time: momentOf(operation.at),
    rrn: operation.rrn,
    operation_type: operation.type,
    operation_sum: operation.sum,
    operation_currency: order.currency,
    auth_code: operation.authCode,
    response_code: operation.responseCode,
    ...(operation.type === 'PAY' ? { client_name: 'Иван И.' } : {}),
  };
}

function outletOf(settings: SberSettings, idQr: string) {
  // For SBP the terminal’s number may stand in its place.
  return settings.outlets.find((outlet) => outlet.idQr === idQr || outlet.tid === idQr);
}

function headOf(members: Members, code: SberErrorCode, desk: SberDesk): Members {
  return {
    rq_uid: members.rq_uid,
    rq_tm: momentOf(desk.now()),
    error_code: code,
    error_description: SBER_ERRORS[code],
  };
}

function registryHead(members: Members, code: SberErrorCode): Members {
  return {
    rqUid: members.rqUid,
    rqTm: members.rqTm,
    errorCode: code,
    errorDescription: SBER_ERRORS[code],
  };
}

export function momentOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
