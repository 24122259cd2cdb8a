// What kind of failure an error is: whether trying again can help, and how it is counted.

import { Defect } from '../domain/assert.ts';
import { Fault } from './faults.ts';
import { LogRefusal } from './ports.ts';
import { UnreadableEntry } from './records.ts';
import { describe } from './reply-sink.ts';
import type { Reporter } from './reporter.ts';

const RUNBOOK = 'docs/runbooks/defects-answered.md';

/**
 * Whether our own code is wrong: an assertion of ours, or what the language throws. Stores and their clients fail with
 * errors of other kinds; adapters see to it.
 */
export function isDefect(error: unknown): error is Error {
  return (
    error instanceof Defect ||
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof ReferenceError
  );
}

/** What the log is told of a defect, so that it can be found. */
export function tellDefect(error: Error): { reason: string; stack: string } {
  return { reason: error.message, stack: error.stack ?? '' };
}

/**
 * Tells of a failure that is tried again. What may pass by itself is a warning; our own mistake does not pass, so that
 * somebody must hear of it, and what is to be done.
 */
export function tellFailure(
  reporter: Reporter,
  what: string,
  error: unknown,
  fields: Readonly<Record<string, string | number>> = {},
): void {
  if (!isDefect(error)) reporter.report('warn', what, { ...fields, reason: describe(error) });
  else reporter.report('error', what, { ...fields, ...tellDefect(error), runbook: RUNBOOK });
}

/** Whether it fails the same way however often it is tried: our code is wrong, or an entry is nothing we can read. */
export function isFinal(error: unknown): boolean {
  return error instanceof Defect || error instanceof UnreadableEntry;
}

/** Reads back what has just been changed. It stands even where that fails: nobody may be told that nothing was done. */
export async function readBack<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (isDefect(error)) throw error;
    throw new Fault('outcome.unknown', 'it was done, and cannot be shown', error);
  }
}

/** How a failed append is counted. */
export function failureOf(error: unknown): 'refused' | 'fenced' | 'unknown' {
  if (!(error instanceof LogRefusal)) return 'unknown';
  return error.reason === 'fenced' ? 'fenced' : 'refused';
}
