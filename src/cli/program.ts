// The subcommands of `qrswitch`, one file each. A file exports a function of the streams that makes its `Command`, and
// is added in `program`.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { agreementCommand } from './agreements.ts';
import { auditCommand } from './audit.ts';
import { billsCommand } from './bills-import.ts';
import { deskCommands } from './desk.ts';
import { directoryCommands } from './directory.ts';
import { driverCommand } from './driver-check.ts';
import { CommandFailure, type Io, Misuse } from './io.ts';
import { payerCommand } from './payer.ts';
import { reportingCommand } from './reporting.ts';
import { simulateCommand } from './simulate.ts';
import { tariffCommand } from './tariff.ts';
import { webhookCommand } from './webhooks.ts';

/** Exit codes: done; tried and failed; not understood. */
const FAILED = 1;
const MISUSED = 2;

/** Runs one command line and resolves with its exit code. It writes to `io` alone. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    await program(io).parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    // Help that was asked for ends the parsing too, as a success.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED;
    io.stderr.write(`qrswitch: ${failureText(error)}\n`);
    return error instanceof Misuse ? MISUSED : FAILED;
  }
}

function program(io: Io): Command {
  const root = new Command('qrswitch')
    .description('A payment switch for QR bills.')
    .version(version(), '--version', 'tells the version')
    .addCommand(agreementCommand(io))
    .addCommand(auditCommand(io))
    .addCommand(billsCommand(io))
    .addCommand(payerCommand(io))
    .addCommand(reportingCommand(io))
    .addCommand(driverCommand(io))
    .addCommand(serve())
    .addCommand(simulateCommand(io))
    .addCommand(tariffCommand(io))
    .addCommand(webhookCommand(io));
  for (const command of [...directoryCommands(io), ...deskCommands(io)]) root.addCommand(command);
  for (const command of commandsOf(root)) speakTo(command, io);
  return root;
}

/** As package.json says it, which stands as far above the source as above what is built of it. */
function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function serve(): Command {
  return new Command('serve')
    .description('runs the switch; its options are environment variables, which --help tells')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async () => {
      await import('../main.ts');
    });
}

/** Settings are not handed down to commands that are added ready-made, so each is told by itself. */
function speakTo(command: Command, io: Io): void {
  command
    .exitOverride()
    .showHelpAfterError()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

function commandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsOf)];
}

function failureText(error: unknown): string {
  if (error instanceof CommandFailure) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
