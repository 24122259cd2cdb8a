// The shape that the answers of a QR format's driver must have.

import { Type } from '@sinclair/typebox';
import { QR_TEXT_MAX } from '../contract/qr-driver.ts';
import { type KindShapes, shapesOf } from './kind-shapes.ts';

const usages = Type.Array(Type.Union([Type.Literal('single'), Type.Literal('many')]), {
  maxItems: 2,
});

export const qrShapes: KindShapes = shapesOf(
  Type.Object({
    usages,
    openAmounts: usages,
    currencies: Type.Union([Type.Null(), Type.Array(Type.String({ pattern: '^[A-Z]{3}$' }))]),
    needs: Type.Array(
      Type.Union(['country', 'category', 'sbpMember'].map((name) => Type.Literal(name))),
    ),
    begins: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
      minItems: 1,
      maxItems: 16,
    }),
    lengthMax: Type.Integer({ minimum: 1, maximum: QR_TEXT_MAX }),
  }),
  {
    issue: Type.Union([
      Type.Object({ payload: Type.String({ minLength: 1, maxLength: QR_TEXT_MAX }) }),
      Type.Object({ unfit: Type.String({ minLength: 1, maxLength: 500 }) }),
    ]),
    read: Type.Union([
      Type.Object({ billId: Type.String({ minLength: 26, maxLength: 26 }) }),
      Type.Literal('tampered'),
      Type.Literal('foreign'),
    ]),
  },
);
