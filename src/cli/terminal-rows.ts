// `qrswitch terminal import`: terminals by the thousand from a CSV file. It may be run again after whatever ended it: a
// row is known by the file's name for it, and adds one terminal.

import { createHash } from 'node:crypto';
import { createWriteStream, openSync, readFileSync, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { parse } from 'csv-parse/sync';
import { CommandFailure, type Io, noRows } from './io.ts';
import { OperatorClient, type Shown, type TargetOptions, withTarget } from './operator-client.ts';
import { progressBar } from './progress-bar.ts';

const AT_ONCE = 8;
const COLUMNS = ['merchantId', 'name', 'restricted'];

interface Row {
  readonly line: number;
  readonly body: { merchantId: string; name: string; restricted: boolean };
}

interface Import {
  readonly client: OperatorClient;
  readonly results: WriteStream;
  readonly counts: { added: number; failed: number };
}

export function addTerminals(io: Io): Command {
  const command = new Command('import')
    .description('adds a terminal with a key for each row of a CSV file')
    .argument(
      '<file>',
      'the CSV file; its first row names the columns: merchantId, name, restricted',
    )
    .option(
      '--results <file>',
      'ids and keys, as CSV, for you alone (default: <file>.results.csv)',
    );
  return withTarget(command).action(
    async (file: string, options: TargetOptions & { results?: string }) => {
      const rows = readRows(file);
      const resultsFile = options.results ?? `${file.replace(/\.csv$/i, '')}.results.csv`;
      const run: Import = {
        client: new OperatorClient(options),
        results: openResults(resultsFile),
        counts: { added: 0, failed: 0 },
      };
      run.results.write('line,name,terminalId,key,problem\n');
      const bar = progressBar(io, 'terminals');
      bar.start(rows.length, 0);
      const left = rows.values();
      const work = async (): Promise<void> => {
        for (const row of left) {
          await addOne(run, row);
          bar.increment();
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      bar.stop();
      run.results.end();
      await finished(run.results);
      const { added, failed } = run.counts;
      io.stdout.write(
        options.json === true
          ? `${JSON.stringify({ added, failed, results: resultsFile })}\n`
          : `${added} added, ${failed} failed. Ids and keys: ${resultsFile}\n`,
      );
      if (failed > 0) {
        throw new CommandFailure(
          `${failed} of ${rows.length} rows failed: ${resultsFile} says why.`,
        );
      }
    },
  );
}

async function addOne({ client, results, counts }: Import, { line, body }: Row): Promise<void> {
  // The same row is the same call, however often the file is imported.
  const named = JSON.stringify([line, body]);
  const key = `row-${createHash('sha256').update(named).digest('base64url').slice(0, 40)}`;
  try {
    const whole = { ...body, withKey: true };
    const made = await client.change<Shown>('POST', 'terminals', whole, key);
    counts.added += 1;
    const told = made.key ?? 'made before: a key is shown once, add another';
    results.write(`${line},${quoted(body.name)},${made.id},${quoted(told)},\n`);
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    counts.failed += 1;
    results.write(`${line},${quoted(body.name)},,,${quoted(error.message)}\n`);
  }
}

/** Reads the whole file before anything is added: what is no such file is found in time. */
function readRows(file: string): Row[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandFailure(`${file} cannot be read: ${(error as Error).message}`);
  }
  const [head, ...rows] = cellsOf(file, text);
  const unknown = head?.find((name) => !COLUMNS.includes(name));
  if (head === undefined || unknown !== undefined || !head.includes('merchantId')) {
    throw new CommandFailure(`${file}: the first row must name columns of ${COLUMNS.join(', ')}.`);
  }
  if (rows.length === 0) throw noRows(file);
  return rows.map((cells, i) => {
    const line = i + 2;
    const field = (name: string): string => cells[head.indexOf(name)] ?? '';
    const restricted = field('restricted');
    if (!['', 'true', 'false'].includes(restricted)) {
      throw new CommandFailure(`${file}, row ${line}: restricted must be true, false or empty.`);
    }
    const [merchantId, name] = [field('merchantId'), field('name')];
    return { line, body: { merchantId, name, restricted: restricted === 'true' } };
  });
}

function cellsOf(file: string, text: string): string[][] {
  try {
    return parse(text, { bom: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new CommandFailure(`${file} is no CSV file: ${(error as Error).message}`);
  }
}

/** Keys stand in it: for its owner alone. */
function openResults(file: string): WriteStream {
  try {
    return createWriteStream(file, { fd: openSync(file, 'w', 0o600) });
  } catch (error) {
    throw new CommandFailure(`${file} cannot be written: ${(error as Error).message}`);
  }
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
