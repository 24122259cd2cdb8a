// The shape that the answers of a driver for deliveries must have.

import { Type } from '@sinclair/typebox';
import { type KindShapes, shapesOf } from './kind-shapes.ts';

const said = Type.String({ maxLength: 500 });

export const deliveryShapes: KindShapes = shapesOf(
  Type.Object({ bodyMax: Type.Integer({ minimum: 1, maximum: 16_777_216 }) }),
  {
    prove: Type.Object({ isProven: Type.Boolean(), said }),
    deliver: Type.Union([
      Type.Object({ is: Type.Literal('delivered') }),
      Type.Object({
        is: Type.Literal('again'),
        said,
        afterMs: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      }),
      Type.Object({ is: Type.Union([Type.Literal('refused'), Type.Literal('gone')]), said }),
    ]),
    // Made by our part of the process, of the driver's schema.
    checkEndpoint: Type.Union([
      Type.Object({ value: Type.Object({}) }),
      Type.Object({ flaws: Type.String() }),
    ]),
  },
);
