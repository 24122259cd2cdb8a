// A check of the contract, of whatever kind of driver.

export interface Check<Subject> {
  readonly name: string;
  /** Throws what it saw instead. */
  readonly run: (subject: Subject) => Promise<void>;
}

/** What a check found wrong. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

export function demand(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new CheckFailed(otherwise);
}

/** Until a call has got there, or has ended without, or its check is over. */
export async function untilThere(
  isThere: () => boolean | Promise<boolean>,
  asked: Promise<unknown>,
  isOver: () => boolean,
): Promise<void> {
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
  };
  asked.then(end, end);
  while (!(hasEnded || isOver() || (await isThere()))) {
    await new Promise((go) => setImmediate(go));
  }
}
