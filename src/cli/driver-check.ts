// `qrswitch driver check <package>`, also as `npm run driver:check <package>`: tries a driver against its contract.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { isOwnFormat } from '../domain/bill/vocabulary.ts';
import { DriverRefused, modulesIn } from '../drivers/contract/open-driver.ts';
import { type Checked, NothingToTryOn, runChecks } from '../drivers/kit/run-checks.ts';
import type { Subject } from '../drivers/kit/test-bank.ts';
import { driver as emvco } from '../drivers/qr/emvco.ts';
import { driver as sbp } from '../drivers/qr/sbp.ts';
import { driver as url } from '../drivers/qr/url.ts';
import { driver as sber } from '../drivers/sber/driver.ts';
import { driver as tbank } from '../drivers/tbank/driver.ts';
import { paychannelWebhook, terminalWebhook } from '../drivers/webhook/driver.ts';
import { WEBHOOK } from '../switch/webhooks/ways.ts';
import { startSberForKit, startTbankForKit } from './driver-kit/test-banks.ts';
import { startWebhookReceiverForKit } from './driver-kit/test-receivers.ts';
import { CommandFailure, type Io } from './io.ts';

const BUNDLED: Readonly<Record<string, Subject>> = {
  tbank: { exported: { driver: tbank }, startTestBank: startTbankForKit },
  sber: { exported: { driver: sber }, startTestBank: startSberForKit },
  webhook: {
    exported: { driver: [terminalWebhook, paychannelWebhook] },
    startTestReceiver: startWebhookReceiverForKit,
  },
  url: { exported: { driver: url }, testSettings: { publicBaseUrl: 'https://pay.example' } },
  emvco: { exported: { driver: emvco }, testSettings: {} },
  sbp: { exported: { driver: sbp }, testSettings: {} },
};

let lives = 0;

export function driverCommand(io: Io): Command {
  return new Command('driver').description('works with drivers').addCommand(checkCommand(io));
}

function checkCommand(io: Io): Command {
  return new Command('check')
    .description('tries a driver against the contract, check by check')
    .argument('<package>', `${Object.keys(BUNDLED).join(', ')}, a package’s name, or a file`)
    .action(async (name: string) => {
      const checked = await checksOf(name, io);
      const failed = checked.filter(({ flaw }) => flaw !== undefined).length;
      io.stdout.write(`${checked.length - failed} passed, ${failed} failed\n`);
      if (failed > 0) throw new CommandFailure(`${name} does not keep the contract`);
    });
}

async function checksOf(name: string, io: Io) {
  try {
    const subject = BUNDLED[name] ?? (await subjectIn(name));
    const report = ({ name, flaw }: Checked) =>
      void io.stdout.write(flaw === undefined ? `ok    ${name}\n` : `FAIL  ${name}: ${flaw}\n`);
    return await runChecks(subject, { report });
  } catch (error) {
    if (error instanceof DriverRefused) throw new CommandFailure(error.message, { cause: error });
    if (error instanceof NothingToTryOn) {
      const said = `the package exports no ${error.message} to try its driver on`;
      throw new CommandFailure(said, { cause: error });
    }
    throw error;
  }
}

async function subjectIn(name: string): Promise<Subject> {
  const isPath = name.startsWith('.') || name.startsWith('/');
  const specifier = isPath ? pathToFileURL(resolve(name)).href : name;
  const exported: unknown = await import(specifier).catch((error: Error) => {
    throw new CommandFailure(`${name} cannot be loaded: ${error.message}`, { cause: error });
  });
  refuseTaken(exported);
  return {
    ...(exported as Omit<Subject, 'exported'>),
    exported,
    anew: () => importedAnew(specifier),
  };
}

/** A module with another address is another module, with nothing in it of what the first has in memory. */
function importedAnew(specifier: string): Promise<unknown> {
  lives += 1;
  const url = new URL(import.meta.resolve(specifier));
  url.searchParams.set('life', String(lives));
  return import(url.href);
}

/** The switch would refuse it by that name. */
function refuseTaken(exported: unknown): void {
  for (const { kind, name } of modulesIn(exported)) {
    const isTaken = kind === 'qr' ? isOwnFormat(name) : kind !== 'bill' && name === WEBHOOK;
    if (isTaken) throw new DriverRefused(`${name} is a name of the switch’s own: it needs another`);
  }
}
