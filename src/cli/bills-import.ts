// `qrswitch bills import`: bills by the thousand from a CSV file, and their codes to be printed.

import { createWriteStream, mkdirSync, openSync, readFileSync, type WriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { clientKey } from '../config.ts';
import { parseReference } from '../domain/ids.ts';
import { formatAmount } from '../protocols/currencies.ts';
import { drawCode } from '../protocols/gateway/codes.ts';
import { type CreatedBill, createBills, type Outcome, type Target } from './batch-client.ts';
import { type BillRow, readBillRows } from './bill-rows.ts';
import type { CodeSheet } from './code-sheet.ts';
import { csvLine } from './csv-line.ts';
import { CommandFailure, type Io, Misuse, noRows } from './io.ts';
import { progressBar } from './progress-bar.ts';

/** Rows of one call. */
const CALL_ROWS = 10_000;
const FILES_AT_ONCE = 64;
/** Room for the densest code; SVG is printed at any size. */
const SVG_SIZE = 512;

interface Options {
  readonly url: string;
  readonly out?: string;
  readonly pdf?: string;
  readonly results?: string;
  readonly keyFile?: string;
}

export function billsCommand(io: Io): Command {
  const bill = new Command('bills').description('bills of a running switch');
  return bill.addCommand(
    new Command('import')
      .description('creates a bill for each row of a CSV file and writes their QR codes')
      .argument('<file>', 'the CSV file: its first row names fields of a bill, orderId among them')
      .option('--out <folder>', 'where to put a file <orderId>.svg for each code')
      .option('--pdf <file>', 'all codes on A4 sheets, in the order of the rows')
      .option('--results <file>', 'what became of each row, as CSV (default: <file>.results.csv)')
      .option('--url <address>', 'of the switch', 'http://127.0.0.1:8080')
      .option('--key-file <file>', 'holds the key of a terminal (else QRSWITCH_KEY)')
      .addHelpText('after', HELP)
      .action((file: string, options: Options) => importBills(file, options, io)),
  );
}

const HELP = `
A row is a request to create a bill: a column is a field of it by its name (orderId, amount in minor units, currency,
description, expiresIn, type, …; metadata.table for a field within a field). Empty cells are left out.
To import a file again within 24 hours creates nothing twice. Ends with 1 if a row failed: the results say why.
`;

async function importBills(file: string, options: Options, io: Io): Promise<void> {
  const { out, pdf } = options;
  if (out === undefined && pdf === undefined) {
    throw new Misuse('There is nowhere to put the codes: give --out, --pdf or both.');
  }
  const target: Target = { url: httpUrl(options.url), key: keyOf(options) };
  const total = await countRows(file);
  const resultsFile = options.results ?? `${file.replace(/\.csv$/i, '')}.results.csv`;
  if (out !== undefined) mkdirSync(out, { recursive: true });
  const run: Import = {
    target,
    out: out ?? null,
    sheet: pdf === undefined ? null : await openSheet(pdf),
    results: writable(resultsFile),
    counts: { created: 0, repeated: 0, failed: 0 },
    onDone: () => bar.increment(),
  };
  run.results.write(csvLine(RESULT_COLUMNS));
  const bar = progressBar(io, 'bills');
  bar.start(total, 0);
  try {
    for await (const rows of inCalls(readBillRows(file))) await importRows(run, rows);
  } finally {
    bar.stop();
    run.results.end();
    await finished(run.results);
  }
  await run.sheet?.end();
  const { created, repeated, failed } = run.counts;
  const places = [out, pdf].filter((place) => place !== undefined).join(' and ');
  io.stdout.write(
    `${created} created, ${repeated} were there already, ${failed} failed.\nCodes: ${places}\nResults: ${resultsFile}\n`,
  );
  if (failed > 0) {
    throw new CommandFailure(`${failed} of ${total} rows failed: ${resultsFile} says why.`);
  }
}

interface Import {
  readonly target: Target;
  readonly out: string | null;
  readonly sheet: CodeSheet | null;
  readonly results: WriteStream;
  readonly counts: { created: number; repeated: number; failed: number };
  readonly onDone: () => void;
}

async function importRows(run: Import, rows: readonly BillRow[]): Promise<void> {
  const outcomes: Outcome[] = [];
  const requests = rows.map(({ request }) => request);
  await createBills(run.target, requests, (index, outcome) => {
    outcomes[index] = outcome;
    run.onDone();
  });
  const made: CreatedBill[] = [];
  rows.forEach((row, index) => {
    const outcome = outcomes[index];
    if (outcome === undefined) return;
    run.results.write(csvLine(resultOf(row, outcome)));
    if (outcome.bill === undefined) {
      run.counts.failed += 1;
      return;
    }
    if (outcome.status === 201) run.counts.created += 1;
    else run.counts.repeated += 1;
    made.push(outcome.bill);
  });
  if (run.out !== null) await writeFiles(run.out, made);
  for (const bill of made) run.sheet?.add(sheetCode(bill));
}

const RESULT_COLUMNS = [
  'line',
  'orderId',
  'result',
  'status',
  'billId',
  'expiresAt',
  'code',
  'detail',
];

function resultOf({ line, request }: BillRow, { status, bill, problem }: Outcome): unknown[] {
  const result = bill === undefined ? 'failed' : status === 201 ? 'created' : 'repeated';
  return [
    line,
    request.orderId,
    result,
    status,
    bill?.id,
    bill?.expiresAt,
    problem?.code,
    problem?.detail,
  ];
}

async function writeFiles(folder: string, made: readonly CreatedBill[]): Promise<void> {
  for (let at = 0; at < made.length; at += FILES_AT_ONCE) {
    await Promise.all(
      made.slice(at, at + FILES_AT_ONCE).map(async ({ orderId, qr }) => {
        const name = parseReference(orderId);
        if (name === undefined) throw new Error(`the switch answered the order ${orderId}`);
        const drawn = drawCode(qr.payload, 'svg', { size: SVG_SIZE });
        if (!('body' in drawn)) throw new Error(`the code of ${orderId}: ${drawn.detail}`);
        await writeFile(join(folder, `${name}.svg`), drawn.body);
      }),
    );
  }
}

function sheetCode(bill: CreatedBill): Parameters<CodeSheet['add']>[0] {
  return {
    payload: bill.qr.payload,
    description: bill.description ?? '',
    // A sheet that was printed for a trial must not be handed out.
    amount: bill.mode === 'test' ? `TEST · ${amountText(bill)}` : amountText(bill),
    orderId: bill.orderId,
  };
}

/** A bill may leave the amount to the payer, within limits. */
function amountText({ amount, minAmount, maxAmount, currency }: CreatedBill): string {
  if (amount !== null && amount > 0) return formatAmount(amount, currency);
  const limits = [minAmount, maxAmount].map((limit) =>
    limit === null ? '…' : formatAmount(limit, currency),
  );
  return minAmount === null && maxAmount === null ? '' : limits.join(' – ');
}

/** A file to be written; that it cannot be is found before anything is created. */
function writable(file: string): WriteStream {
  try {
    return createWriteStream(file, { fd: openSync(file, 'w') });
  } catch (error) {
    throw new CommandFailure(`${file} cannot be written: ${(error as Error).message}`);
  }
}

/** Drawing PDF takes a while to load, which only who wants one waits for. */
async function openSheet(file: string): Promise<CodeSheet> {
  const { CodeSheet } = await import('./code-sheet.ts');
  return new CodeSheet(writable(file));
}

/** Reads the file once before anything is created: what is no CSV is found in time. */
async function countRows(file: string): Promise<number> {
  let count = 0;
  try {
    for await (const _row of readBillRows(file)) count += 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new CommandFailure(`${file} cannot be read: ${(error as Error).message}`);
  }
  if (count === 0) throw noRows(file);
  return count;
}

async function* inCalls(rows: AsyncIterable<BillRow>): AsyncGenerator<BillRow[]> {
  let some: BillRow[] = [];
  for await (const row of rows) {
    some.push(row);
    if (some.length < CALL_ROWS) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

function keyOf({ keyFile }: Options): string {
  const key = keyFile === undefined ? clientKey() : readKey(keyFile);
  if (key === undefined || key === '') {
    throw new CommandFailure('There is no key: set QRSWITCH_KEY, or give --key-file.');
  }
  return key;
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CommandFailure(`The key cannot be read: ${(error as Error).message}`);
  }
}

function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href;
  throw new Misuse(`--url: ${text} is no http or https address.`);
}
