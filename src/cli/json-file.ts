// A file of JSON that somebody named on the command line.

import { readFileSync } from 'node:fs';
import { CommandFailure } from './io.ts';

export function jsonIn(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const what = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw new CommandFailure(`${file} ${what}: ${(error as Error).message}`, { cause: error });
  }
}
