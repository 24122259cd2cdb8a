// The shapes that a kind's drivers must keep to: they are other people's code, so nothing of theirs is believed unread.

import type { TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';

export interface KindShapes {
  /** Whether the answer has the shape that the contract gives to answers of this call. */
  isAnswer(call: string, answer: unknown): boolean;
  areCapabilities(value: unknown): boolean;
}

export function shapesOf(
  capabilities: TSchema,
  answers: Readonly<Record<string, TSchema>>,
): KindShapes {
  const capable = TypeCompiler.Compile(capabilities);
  const compiled = new Map(
    Object.entries(answers).map(([call, schema]) => [call, TypeCompiler.Compile(schema)]),
  );
  return {
    isAnswer: (call, answer) => compiled.get(call)?.Check(answer) ?? false,
    areCapabilities: (value) => capable.Check(value),
  };
}
