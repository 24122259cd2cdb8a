// `qrswitch driver check <package>`, also as `npm run driver:check <package>`: tries a driver against its contract.

import { Command } from 'commander';
import { type Checked, runChecks } from '../drivers/kit/run-checks.ts';
import { BUNDLED, subjectIn, whyUntried } from './driver-kit/subjects.ts';
import { triedApart } from './driver-kit/tried-apart.ts';
import { CommandFailure, type Io } from './io.ts';

export function driverCommand(io: Io): Command {
  return new Command('driver').description('works with drivers').addCommand(checkCommand(io));
}

function checkCommand(io: Io): Command {
  return new Command('check')
    .description('tries a driver against the contract, check by check')
    .argument('<package>', `${Object.keys(BUNDLED).join(', ')}, a package’s name, or a file`)
    .action(async (name: string) => {
      let [passed, failed] = [0, 0];
      await tried(name, io, ({ name: check, flaw }) => {
        if (flaw === undefined) passed += 1;
        else failed += 1;
        io.stdout.write(flaw === undefined ? `ok    ${check}\n` : `FAIL  ${check}: ${flaw}\n`);
      });
      io.stdout.write(`${passed} passed, ${failed} failed\n`);
      if (failed > 0) throw new CommandFailure(`${name} does not keep the contract`);
    });
}

async function tried(name: string, io: Io, report: (checked: Checked) => void): Promise<void> {
  const bundled = BUNDLED[name];
  if (bundled === undefined && io.kitProgram !== undefined) {
    await triedApart(name, { program: io.kitProgram, report });
    return;
  }
  try {
    await runChecks(bundled ?? (await subjectIn(name)), { report });
  } catch (error) {
    const why = whyUntried(error);
    throw why === undefined ? error : new CommandFailure(why, { cause: error });
  }
}
