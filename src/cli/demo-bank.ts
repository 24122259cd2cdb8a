// The second part of `npm run demo`: a cash register's bill that is paid through a bank's own QR system. The bank is T-Bank's
// simulator, which lives as long as the demo does; the switch is told of it by a file that the demo writes.

import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { must } from '../domain/assert.ts';
import type { Controlled } from '../simulators/control.ts';
import { startTbank } from '../simulators/tbank/simulator.ts';
import type { Stream } from './stream.ts';

const NAME = 'demo-bank';
const MERCHANT = { terminalKey: 'qrswitchDEMO', password: 'qrswitch' };
const AMOUNT = 12_500;
const FINAL = 10_000;

export interface BankDemo {
  readonly till: Stream;
  readonly institutionId: string;
  /** Where the file of acquirers is or goes. */
  readonly file: string;
  say(line: string): void;
  showCode(payload: string): Promise<void>;
}

/** Plays the bill's life; where the switch knows no such bank, says how it comes to know one. */
export async function demoAtBank(of: BankDemo): Promise<void> {
  const { till, file, say } = of;
  if (!existsSync(file)) await writeAcquirers(file, of.institutionId);
  // Each demo has another bank, and the switch keeps the numbers of all: none repeats another's.
  const settings = { terminals: [MERCHANT], seed: randomInt(2 ** 31) };
  const simulator = await startTbank(settings, { port: portIn(file) });
  try {
    const billId = await create(till);
    if (billId === null) {
      say('Bills can also be paid through a bank’s own QR system. For one with a simulated bank:');
      say(`QRSWITCH_ACQUIRERS=${file} ./start, and this once more.`);
      return;
    }
    await sell(of, billId, simulator.bank);
  } finally {
    await simulator.close();
  }
}

/** Null: the switch has no such acquirer. */
async function create(till: Stream): Promise<string | null> {
  const orderId = `demo-bank-${Date.now()}`;
  const order = { orderId, amount: AMOUNT, currency: 'RUB', acquirer: NAME };
  try {
    return String((await till.ask('bill.create', order)).id);
  } catch (error) {
    if (error instanceof Error && error.message.includes('acquirer.unknown')) return null;
    throw error;
  }
}

async function sell(
  { till, say, showCode }: BankDemo,
  billId: string,
  bank: Controlled,
): Promise<void> {
  const told = (type: string) =>
    till.event((event) => event.type === type && event.billId === billId);
  say(`A cash register creates a bill of ${money(AMOUNT)} whose \`acquirer\` is ${NAME}.`);
  await told('bill.opened');
  const { qr } = await till.ask('bill.get', { billId });
  const { payload } = qr as { payload: string };
  say('The switch has registered it at the bank (T-Bank, simulated), and has the bank’s own code:');
  await showCode(payload);
  const unpaid = bank.pay(payload);
  if (unpaid !== undefined) throw new Error(`the simulated bank: ${unpaid}`);
  say('Somebody scans it in the app of their bank, and pays there. The switch asks the bank.');
  await told('bill.paid');
  await till.ask('bill.confirm', { billId, amount: FINAL });
  say(`The register has heard bill.paid, and confirms ${money(FINAL)}.`);
  await told('credit.settled');
  const { paid, returned } = must(bank.books()[0], 'the order in the bank’s books');
  say('The bank has given back the rest, and the register has heard credit.settled.');
  say(`The bank’s own books say ${money(paid)} paid, ${money(returned)} returned.`);
}

/** For the demo's institution, at a port that is free now. */
async function writeAcquirers(file: string, institution: string): Promise<void> {
  const baseUrl = `http://127.0.0.1:${await freePort()}`;
  const acquirer = { name: NAME, institution, driver: 'tbank', settings: { ...MERCHANT, baseUrl } };
  const content = JSON.stringify({ acquirers: [acquirer] }, null, 2);
  writeFileSync(file, `${content}\n`, { mode: 0o600 });
}

function portIn(file: string): number {
  const { acquirers } = JSON.parse(readFileSync(file, 'utf8')) as {
    acquirers: readonly { name: string; settings: { baseUrl: string } }[];
  };
  const own = acquirers.find(({ name }) => name === NAME);
  if (own === undefined) throw new Error(`${file} has no ${NAME}: remove it, and it is made anew.`);
  return Number(new URL(own.settings.baseUrl).port);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((closed) => server.close(() => closed()));
  return port;
}

function money(minor: number): string {
  return `${(minor / 100).toFixed(2)} RUB`;
}
