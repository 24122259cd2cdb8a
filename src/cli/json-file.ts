// A file of JSON that somebody named on the command line.

import { readFileSync } from 'node:fs';
import { readJsonText } from '../json-text.ts';
import { CommandFailure } from './io.ts';

export function jsonIn(file: string): unknown {
  const read = readJsonText(textOf(file));
  if ('flaw' in read) throw new CommandFailure(`${file} ${read.flaw}`);
  return read.value;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandFailure(`${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
