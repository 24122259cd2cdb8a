// `qrswitch simulate`: other people's systems on one's own machine, to try the switch against. Here: their banks.

import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { startSber } from '../simulators/sber/simulator.ts';
import type { BankSimulator, SimulatorPlace } from '../simulators/simulator.ts';
import { startTbank } from '../simulators/tbank/simulator.ts';
import { CommandFailure, type Io } from './io.ts';
import { shopCommand, terminalsCommand, walletsCommand } from './simulate-market.ts';
import type { Ending } from './simulate-options.ts';

const SEEDS = 2 ** 31;

interface BankOptions {
  readonly kind: BankKind;
  readonly host: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, unknown>>;
}

type BankKind = keyof typeof banks;

interface Bank {
  /** A merchant that the bank knows, for who sets up none. */
  readonly known: Readonly<Record<string, unknown>>;
  readonly start: (settings: unknown, place: SimulatorPlace) => Promise<BankSimulator>;
}

const banks = {
  tbank: {
    known: { terminals: [{ terminalKey: 'qrswitchDEMO', password: 'qrswitch' }] },
    start: startTbank,
  },
  sber: {
    known: {
      clientId: 'qrswitch',
      clientSecret: 'qrswitch',
      memberId: '00000001',
      outlets: [{ idQr: '1000100001', tid: '10000001' }],
    },
    start: startSber,
  },
} as const satisfies Record<string, Bank>;

export function simulateCommand(io: Io, ending: Ending = signalled): Command {
  return new Command('simulate')
    .description('imitates the systems of others, to try the switch against')
    .addCommand(bankCommand(io, ending))
    .addCommand(terminalsCommand(io, ending))
    .addCommand(walletsCommand(io, ending, () => process.stdin))
    .addCommand(shopCommand(io, ending));
}

function bankCommand(io: Io, ending: Ending): Command {
  return new Command('bank')
    .description(
      'imitates a bank’s QR acquiring over HTTP; /_sim/ pays, breaks and shows the books',
    )
    .addOption(
      new Option('--kind <kind>', 'which bank').choices(Object.keys(banks)).makeOptionMandatory(),
    )
    .option('--host <host>', 'where it listens; whoever reaches it is the bank', '127.0.0.1')
    .option('--port <port>', 'which port; 0: any that is free', portOption, 0)
    .option(
      '--settings <json>',
      'what the bank is like; left out: as its papers say',
      jsonOption,
      {},
    )
    .action(async ({ kind, host, port, settings }: BankOptions) => {
      const { known, start } = banks[kind];
      // A bank that begins anew repeats no number that a switch may have kept.
      const merchant = { ...known, seed: randomInt(SEEDS), ...settings };
      const simulator = await start(merchant, { host, port }).catch(refused);
      io.stdout.write(`${JSON.stringify({ kind, url: simulator.url, settings: merchant })}\n`);
      await new Promise<void>((resolve) => ending(resolve));
      await simulator.close();
    });
}

/** A wrong setting, or a port that is taken. */
function refused(error: unknown): never {
  throw new CommandFailure((error as Error).message, { cause: error });
}

function signalled(end: () => void): void {
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
}

function portOption(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('It must be 0 to 65535.');
  }
  return port;
}

function jsonOption(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('It must be a JSON object.');
}
