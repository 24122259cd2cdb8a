// `qrswitch tariff put|list|show|end`: tariffs that a running switch keeps for merchants.

import { Command, InvalidArgumentError } from 'commander';
import type { Io } from './io.ts';
import { jsonIn } from './json-file.ts';
import { OperatorClient, type Shown, type TargetOptions, withTarget } from './operator-client.ts';
import { cell, show, showAll } from './showing.ts';
import { type Column, table } from './table.ts';

type Named = TargetOptions & { readonly merchant: string };

interface Revision {
  readonly revision: number;
  readonly putBy: string;
  readonly putAt: string;
}

interface ReadTariff extends Shown {
  readonly document: object;
  readonly revisions: readonly Revision[];
}

const COLUMNS: readonly Column[] = [
  { title: 'name' },
  { title: 'merchant' },
  { title: 'revision', align: 'right' },
  { title: 'since' },
  { title: 'ended' },
];
const REVISION_COLUMNS: readonly Column[] = [
  { title: 'revision', align: 'right' },
  { title: 'put by' },
  { title: 'put' },
];

export function keptTariffCommands(io: Io): Command[] {
  return [putCommand(io), listCommand(io), showCommand(io), endCommand(io)];
}

function putCommand(io: Io): Command {
  return named('put', 'keeps a tariff for a merchant: new bills are made of it within a second')
    .argument('<file>', 'the tariff, as JSON')
    .action(async (name: string, file: string, options: Named) => {
      const document = jsonIn(file) as object;
      const client = new OperatorClient(options);
      show(io, options, await client.change<Shown>('PUT', pathOf(name, options), document));
    });
}

function listCommand(io: Io): Command {
  return withTarget(
    new Command('list').description('shows the tariffs of merchants, ended ones too'),
  )
    .option('--merchant <id>', 'of this merchant only')
    .action(async (options: TargetOptions & { merchant?: string }) => {
      const filter = { merchantId: options.merchant };
      const all = new OperatorClient(options).list<Shown>('tariffs', filter);
      await showAll(io, options, all, COLUMNS, (tariff) => [
        String(tariff.name),
        String(tariff.merchantId),
        String(tariff.revision),
        cell(tariff.createdAt),
        cell(tariff.endedAt),
      ]);
    });
}

function showCommand(io: Io): Command {
  return named('show', 'shows a tariff, and who put which revision of it when')
    .option('--revision <number>', 'this one, not the newest', revisionOf)
    .option('--document', 'the tariff alone, as it was put')
    .action(async (name: string, options: Named & { revision?: number; document?: true }) => {
      const query = options.revision === undefined ? '' : `?revision=${options.revision}`;
      const path = `${pathOf(name, options)}${query}`;
      const tariff = await new OperatorClient(options).get<ReadTariff>(path);
      if (options.document || options.json) {
        const what = options.document ? tariff.document : tariff;
        io.stdout.write(`${JSON.stringify(what, null, 2)}\n`);
        return;
      }
      const { document, revisions, ...fields } = tariff;
      show(io, options, fields);
      const rows = revisions.map((each) => [String(each.revision), each.putBy, cell(each.putAt)]);
      const parts = [...table(REVISION_COLUMNS, rows), '', JSON.stringify(document, null, 2)];
      io.stdout.write(`\n${parts.join('\n')}\n`);
    });
}

function endCommand(io: Io): Command {
  return named('end', 'lets no new bill be made of a tariff').action(
    async (name: string, options: Named) => {
      const client = new OperatorClient(options);
      show(io, options, await client.change<Shown>('DELETE', pathOf(name, options), {}));
    },
  );
}

function named(verb: string, description: string): Command {
  return withTarget(new Command(verb).description(description))
    .argument('<name>', 'what bills call it')
    .requiredOption('--merchant <id>', 'whose it is');
}

function pathOf(name: string, { merchant }: Named): string {
  return `tariffs/${encodeURIComponent(merchant)}/${encodeURIComponent(name)}`;
}

function revisionOf(text: string): number {
  const revision = Number(text);
  if (!Number.isSafeInteger(revision) || revision < 1) {
    throw new InvalidArgumentError('It must be a number from 1.');
  }
  return revision;
}
