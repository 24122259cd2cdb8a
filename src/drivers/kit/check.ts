// A check of the contract, of whatever kind of driver.

export interface Check<Subject> {
  readonly name: string;
  /** Throws what it saw instead. */
  readonly run: (subject: Subject) => Promise<void>;
}
