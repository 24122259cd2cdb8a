// What the conformance kit tries: a bundled driver, or a package with all that it exports for it.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isOwnFormat } from '../../domain/bill/vocabulary.ts';
import { DriverRefused, modulesIn } from '../../drivers/contract/open-driver.ts';
import { NothingToTryOn } from '../../drivers/kit/run-checks.ts';
import type { Subject } from '../../drivers/kit/test-bank.ts';
import { driver as emvco } from '../../drivers/qr/emvco.ts';
import { driver as sbp } from '../../drivers/qr/sbp.ts';
import { driver as url } from '../../drivers/qr/url.ts';
import { driver as sber } from '../../drivers/sber/driver.ts';
import { driver as tbank } from '../../drivers/tbank/driver.ts';
import { paychannelWebhook, terminalWebhook } from '../../drivers/webhook/driver.ts';
import { WEBHOOK } from '../../switch/webhooks/ways.ts';
import { CommandFailure } from '../io.ts';
import { startSberForKit, startTbankForKit } from './test-banks.ts';
import { startWebhookReceiverForKit } from './test-receivers.ts';

export const BUNDLED: Readonly<Record<string, Subject>> = {
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

/** What a package, or a file, exports. */
export async function subjectIn(name: string): Promise<Subject> {
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

/** What is to be told of why a subject cannot be tried; undefined: that is no matter of the subject. */
export function whyUntried(error: unknown): string | undefined {
  if (error instanceof NothingToTryOn) {
    return `the package exports no ${error.message} to try its driver on`;
  }
  const isTold = error instanceof DriverRefused || error instanceof CommandFailure;
  return isTold ? error.message : undefined;
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
