/** Where the core says what an operator should know. Telemetry writes it down; fields hold no key and no personal data. */
export interface Reporter {
  report(
    level: 'info' | 'warn' | 'error',
    /** `noun.happened`, the same in logs, alerts and runbooks. */
    what: string,
    fields: Readonly<Record<string, string | number | boolean>>,
  ): void;
}

/** What the core counts as it happens; telemetry keeps the counts. Must not throw. */
export interface Observer {
  batchAppended(transitions: number, seconds: number): void;
  appendFailed(outcome: 'refused' | 'fenced' | 'unknown'): void;
  transitionsCommitted(command: string, count: number): void;
  historyWritten(rows: number, seconds: number): void;
  historyFailed(reason: string): void;
  billsFetched(count: number): void;
}

/** For whoever does not count. */
export const NO_OBSERVER: Observer = {
  batchAppended: () => undefined,
  appendFailed: () => undefined,
  transitionsCommitted: () => undefined,
  historyWritten: () => undefined,
  historyFailed: () => undefined,
  billsFetched: () => undefined,
};
