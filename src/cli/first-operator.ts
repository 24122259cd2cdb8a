// `qrswitch operator first`: the one thing that no operator can do for another, so it is done in the database itself.

import { Command } from 'commander';
import { readConfig } from '../config.ts';
import { makeFirstOperator } from '../persistence/first-operator.ts';
import { CommandFailure, type Io } from './io.ts';

export function firstOperator(io: Io): Command {
  return new Command('first')
    .description('makes the first system operator of the database that DATABASE_URL names')
    .requiredOption('--name <name>', 'what people call it')
    .action(async ({ name }: { name: string }) => {
      const { databaseUrl, keyPeppers } = readConfig(undefined, []);
      if (databaseUrl === null) {
        throw new CommandFailure(
          'DATABASE_URL is not set. (The demo has its operator already: see demo.json.)',
        );
      }
      const key = await makeFirstOperator({ databaseUrl, name, peppers: keyPeppers });
      if (key === null) {
        throw new CommandFailure('There is a system operator with a key already: ask that one.');
      }
      io.stdout.write(`${key}\n`);
      io.stderr.write('The key is shown this once: keep it, as QRSWITCH_KEY say.\n');
    });
}
