// Defects: our code is wrong. They are thrown, only a supervisor catches them, and the caller sees a bare 500.

/** Our own code is wrong; the actor that threw it dies and is rebuilt from what is durable. */
export class Defect extends Error {
  override readonly name = 'Defect';
}

/** Throws a Defect unless the claim holds. */
export function assert(claim: boolean, message: string): asserts claim {
  if (!claim) throw new Defect(message);
}

/** Makes a forgotten case a compile error, and a Defect if it is reached all the same. */
export function unreachable(value: never): never {
  throw new Defect(`unreachable case: ${JSON.stringify(value)}`);
}

/** Returns a value that must be there. */
export function must<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Defect(`missing: ${what}`);
  return value;
}
