// Whether a body is what a bank's call takes, by the schemas of its papers.

import type { TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';

export interface RequestChecks<Name extends string> {
  /** Whether the bank has a call of this name. */
  has(name: string): name is Name;
  fits(name: Name, body: unknown): boolean;
}

/** Compiles the schemas of all calls, once. */
export function requestChecks<Name extends string>(
  schemas: Readonly<Record<Name, TSchema>>,
): RequestChecks<Name> {
  const checks = new Map(
    Object.entries<TSchema>(schemas).map(([name, schema]) => [name, TypeCompiler.Compile(schema)]),
  );
  return {
    has: (name): name is Name => checks.has(name),
    fits: (name, body) => checks.get(name)?.Check(body) ?? false,
  };
}
