// `npm run demo`: one bill's life against a running switch, over WebSocket, told as a person would read it; then one that is
// paid through a bank's own QR system, where the switch knows the simulated one.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import QRCode from 'qrcode';
import { readConfig } from '../config.ts';
import { demoAtBank } from './demo-bank.ts';
import { Stream } from './stream.ts';

interface Demo {
  readonly baseUrl: string;
  readonly institution: { readonly id: string };
  readonly terminal: { readonly key: string };
  readonly paychannel: { readonly key: string };
}

const AMOUNT = 1250;
const FINAL = 1000;

async function demo(): Promise<void> {
  const { dataDir } = readConfig();
  const { baseUrl, institution, terminal, paychannel } = readDemo(join(dataDir, 'demo.json'));
  const streams = baseUrl.replace(/^http/, 'ws');
  const till = await Stream.connect(`${streams}/v1/terminal/stream`, terminal.key);
  const wallet = await Stream.connect(`${streams}/v1/paychannel/stream`, paychannel.key);
  try {
    const qr = await create(till);
    const billId = await pay(wallet, qr);
    await confirm(till, wallet, billId);
    const file = join(dataDir, 'demo-bank.json');
    await demoAtBank({ till, institutionId: institution.id, file, say, showCode });
  } finally {
    till.close();
    wallet.close();
  }
}

function readDemo(file: string): Demo {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Demo;
  } catch (error) {
    throw new Error(`no demo to talk to: ${file} cannot be read. Run ./start first.`, {
      cause: error,
    });
  }
}

async function create(till: Stream): Promise<string> {
  const orderId = `demo-${Date.now()}`;
  const bill = await till.ask('bill.create', { orderId, amount: AMOUNT, currency: 'EUR' });
  const payload = String((bill.qr as { payload: string }).payload);
  say(`The terminal creates a bill of ${money(AMOUNT)} for its order ${orderId}, and shows:`);
  await showCode(payload);
  return payload;
}

async function showCode(payload: string): Promise<void> {
  process.stdout.write(`${await QRCode.toString(payload, { type: 'utf8', margin: 2 })}\n`);
}

async function pay(wallet: Stream, qr: string): Promise<string> {
  const view = await wallet.ask('bill.resolve', { qr });
  const billId = String(view.id);
  const { name, city } = view.merchant as { name: string; city: string };
  say(`A wallet scans it: ${name}, ${city}, asks for ${money(Number(view.due))}.`);
  const sentAt = performance.now();
  const paid = await wallet.ask('payment.create', {
    billId,
    paymentRef: `demo-${Date.now()}`,
    amount: AMOUNT,
    currency: 'EUR',
  });
  const ms = (performance.now() - sentAt).toFixed(1);
  say(
    `The wallet pays ${money(AMOUNT)}; ${ms} ms later the bill is ${statusOf(paid.bill)}, durably.`,
  );
  return billId;
}

async function confirm(till: Stream, wallet: Stream, billId: string): Promise<void> {
  const paid = await till.event(({ type, billId: of }) => type === 'bill.paid' && of === billId);
  say(`The terminal has heard ${paid.type} and hands over goods for ${money(FINAL)}.`);
  const bill = await till.ask('bill.confirm', { billId, amount: FINAL });
  say(
    `It confirms that amount: the bill is ${String(bill.status)}, ${money(Number(bill.reversed))} go back.`,
  );
  const asked = await wallet.event(
    ({ type, billId: of }) => type === 'credit.requested' && of === billId,
  );
  const credit = asked.data.credit as { id: string; kind: string; amount: number };
  await wallet.ask('credit.settle', { creditId: credit.id, status: 'settled', reference: 'demo' });
  say(
    `The wallet has heard of the ${credit.kind} and credits its customer ${money(credit.amount)}.`,
  );
  const settled = await till.event(
    ({ type, billId: of }) => type === 'credit.settled' && of === billId,
  );
  say(
    `The terminal has heard ${settled.type}. All is told, and every step could have been retried.`,
  );
}

function statusOf(bill: unknown): string {
  return String((bill as { status: string }).status);
}

function money(minor: number): string {
  return `${(minor / 100).toFixed(2)} EUR`;
}

function say(line: string): void {
  process.stdout.write(`- ${line}\n`);
}

demo().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
