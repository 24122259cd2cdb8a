// What the calls take ("Плати QR" v3): snake_case, except registry; a member that is not named is refused.

import { type Static, Type } from '@sinclair/typebox';
import { type RequestChecks, requestChecks } from '../request-checks.ts';

const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const uid = Type.String({ pattern: '^[0-9A-Fa-f]{32}$' });
const moment = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$' });
const sum = Type.Integer({ minimum: 0, maximum: 999_999_999_999_999 });
const head = { rq_uid: uid, rq_tm: moment };

const sberRequests = {
  creation: Type.Object(
    {
      ...head,
      member_id: text(8),
      order_number: text(36),
      order_create_date: moment,
      id_qr: text(36),
      order_sum: sum,
      currency: Type.String({ pattern: '^\\d{3}$' }),
      description: Type.Optional(Type.String({ maxLength: 256 })),
      order_params_type: Type.Optional(
        Type.Array(
          Type.Object(
            {
              position_name: text(256),
              position_count: Type.Integer({ minimum: 1, maximum: 999_999 }),
              position_sum: sum,
              position_description: Type.Optional(Type.String({ maxLength: 1_024 })),
            },
            closed,
          ),
          { maxItems: 100_000 },
        ),
      ),
      // Its presence makes it a code of SBP.
      sbp_member_id: Type.Optional(
        Type.Union([Type.Literal('100000000111'), Type.Literal('110000000111')]),
      ),
    },
    closed,
  ),
  status: Type.Object(
    {
      ...head,
      tid: text(8),
      partner_order_number: text(36),
      order_id: Type.Optional(text(36)),
    },
    closed,
  ),
  revocation: Type.Object({ ...head, order_id: text(36) }, closed),
  cancel: Type.Object(
    {
      ...head,
      order_id: text(36),
      operation_id: text(36),
      auth_code: text(8),
      id_qr: text(36),
      tid: text(8),
      cancel_operation_sum: sum,
      operation_currency: Type.String({ pattern: '^\\d{3}$' }),
      operation_type: Type.Optional(Type.Union([Type.Literal('REVERSE'), Type.Literal('REFUND')])),
      sbp_payer_id: Type.Optional(Type.String({ pattern: '^\\+7\\d{10}$' })),
      operation_description: Type.Optional(Type.String({ maxLength: 140 })),
    },
    closed,
  ),
  registry: Type.Object(
    {
      rqUid: uid,
      rqTm: moment,
      idQR: text(36),
      startPeriod: moment,
      endPeriod: moment,
      registryType: Type.Union([Type.Literal('QUANTITY'), Type.Literal('REGISTRY')]),
    },
    closed,
  ),
} as const;

export type SberCall = keyof typeof sberRequests;
export type SberRequest<Call extends SberCall> = Static<(typeof sberRequests)[Call]>;

const checks: RequestChecks<SberCall> = requestChecks<SberCall>(sberRequests);

export function isCall(name: string): name is SberCall {
  return checks.has(name);
}

export function fits(name: SberCall, body: unknown): boolean {
  return checks.fits(name, body);
}
