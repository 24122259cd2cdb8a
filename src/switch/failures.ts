// What kind of failure an error is: whether trying again can help, and how it is counted.

import { Defect } from '../domain/assert.ts';
import { LogRefusal } from './ports.ts';
import { UnreadableEntry } from './records.ts';

/** Whether it fails the same way however often it is tried: our code is wrong, or an entry is nothing we can read. */
export function isFinal(error: unknown): boolean {
  return error instanceof Defect || error instanceof UnreadableEntry;
}

/** How a failed append is counted. */
export function failureOf(error: unknown): 'refused' | 'fenced' | 'unknown' {
  if (!(error instanceof LogRefusal)) return 'unknown';
  return error.reason === 'fenced' ? 'fenced' : 'refused';
}
