// `qrswitch agreement`: whose paychannels may pay whose bills.

import { Command } from 'commander';
import type { Io } from './io.ts';
import { OperatorClient, type Shown, type TargetOptions, withTarget } from './operator-client.ts';
import { cell, show, showAll } from './showing.ts';
import type { Column } from './table.ts';

type Added = TargetOptions & {
  readonly billing: string;
  readonly paying: string;
  readonly since?: string;
};

const COLUMNS: readonly Column[] = ['id', 'bills of', 'paid by', 'mode', 'since', 'ended'].map(
  (title) => ({ title }),
);

export function agreementCommand(io: Io): Command {
  return new Command('agreement')
    .description('agreements of a running switch: whose paychannels may pay whose bills')
    .addCommand(
      withTarget(new Command('add').description('lets one institution’s paychannels pay another’s'))
        .requiredOption('--billing <id>', 'the institution whose bills may be paid')
        .requiredOption('--paying <id>', 'the institution whose paychannels may pay them')
        .option('--since <time>', 'from when on (RFC 3339); from now on where left out')
        .action(async (options: Added) => {
          const body = {
            billingInstitutionId: options.billing,
            payingInstitutionId: options.paying,
            ...(options.since === undefined ? {} : { since: options.since }),
          };
          const client = new OperatorClient(options);
          show(io, options, await client.change<Shown>('POST', 'agreements', body));
        }),
    )
    .addCommand(
      withTarget(new Command('list').description('shows the agreements, ended ones too'))
        .option('--institution <id>', 'with this institution on one of the sides only')
        .action(async (options: TargetOptions & { institution?: string }) => {
          const filter = { institutionId: options.institution };
          const all = new OperatorClient(options).list<Shown>('agreements', filter);
          await showAll(io, options, all, COLUMNS, (agreement) => [
            agreement.id,
            String(agreement.billingInstitutionId),
            String(agreement.payingInstitutionId),
            String(agreement.mode),
            cell(agreement.since),
            cell(agreement.endedAt),
          ]);
        }),
    )
    .addCommand(
      withTarget(new Command('end').description('lets nothing new begin under it'))
        .argument('<id>', 'of the agreement')
        .action(async (id: string, options: TargetOptions) => {
          const path = `agreements/${encodeURIComponent(id)}`;
          show(io, options, await new OperatorClient(options).change<Shown>('DELETE', path, {}));
        }),
    );
}
