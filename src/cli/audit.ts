// `qrswitch audit`: what operators have done, exported and verified from outside the switch.

import { createHash } from 'node:crypto';
import { Command } from 'commander';
import { CommandFailure, type Io } from './io.ts';
import { OperatorClient, type TargetOptions, withTarget } from './operator-client.ts';

interface Line {
  readonly no: number;
  readonly entry: string;
  readonly hash: string;
}

const AT_ONCE = 100;

export function auditCommand(io: Io): Command {
  const asks = (name: string, about: string): Command =>
    withTarget(new Command(name).description(about));
  return new Command('audit')
    .description('what operators have done, as a chain of hashes')
    .addCommand(
      asks('export', 'writes every line, as NDJSON').action(async (options: TargetOptions) => {
        for await (const line of linesOf(options)) io.stdout.write(`${JSON.stringify(line)}\n`);
      }),
    )
    .addCommand(
      asks('verify', 'finds a line that was changed, or is missing')
        .option('--anchor <no:hash>', 'a line as it was told before: it must still stand')
        .action(async (options: TargetOptions & { anchor?: string }) => {
          const top = await verify(linesOf(options), options.anchor);
          const told = { lines: top.no, hash: top.hash };
          io.stdout.write(
            options.json === true
              ? `${JSON.stringify(told)}\n`
              : `The audit is whole: ${top.no} lines. Keep ${top.no}:${top.hash} elsewhere, for --anchor.\n`,
          );
        }),
    );
}

async function* linesOf(options: TargetOptions): AsyncGenerator<Line> {
  const client = new OperatorClient(options);
  for (let after = 0; ; ) {
    const { items } = await client.get<{ items: readonly Line[] }>(
      `audit?after=${after}&limit=${AT_ONCE}`,
    );
    yield* items;
    const last = items.at(-1);
    if (last === undefined) return;
    after = last.no;
  }
}

/** The last line, and its hash. Fails at the first that does not follow from those before. */
async function verify(
  lines: AsyncIterable<Line>,
  anchor?: string,
): Promise<{ no: number; hash: string }> {
  let top = { no: 0, hash: '' };
  let isAnchored = anchor === undefined;
  for await (const { no, entry, hash } of lines) {
    if (no !== top.no + 1) {
      throw new CommandFailure(`The audit is broken: line ${top.no + 1} is missing.`);
    }
    const expected = createHash('sha256')
      .update(top.hash + entry)
      .digest('hex');
    if (hash !== expected || (JSON.parse(entry) as { no?: unknown }).no !== no) {
      throw new CommandFailure(`The audit is broken: line ${no} was changed, or one before it.`);
    }
    top = { no, hash };
    isAnchored ||= anchor === `${no}:${hash}`;
  }
  if (!isAnchored) {
    throw new CommandFailure(
      `The audit is broken: it is not the one that told ${anchor}, or its end is missing.`,
    );
  }
  return top;
}
