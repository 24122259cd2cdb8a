// `qrswitch reporting`: who may read one institution's history in Postgres itself, for reports. Done in the database, as
// the owner of its tables.

import { Command } from 'commander';
import { readConfig } from '../config.ts';
import {
  addReportingRole,
  listReportingRoles,
  removeReportingRole,
} from '../persistence/reporting.ts';
import { CommandFailure, type Io } from './io.ts';
import { table } from './table.ts';

interface Options {
  readonly institution: string;
  readonly json?: boolean;
}

export function reportingCommand(io: Io): Command {
  return new Command('reporting')
    .description(
      'roles that read one institution’s history in the database that DATABASE_URL names',
    )
    .addCommand(
      new Command('add')
        .description('makes a role, and shows its password, this once')
        .requiredOption('--institution <id>', 'whose history it reads')
        .option('--json', 'for programs')
        .action(async ({ institution, json }: Options) => {
          const made = await addReportingRole(databaseUrl(), institution);
          if (made === null) throw new CommandFailure(`There is no institution ${institution}.`);
          const text = json
            ? JSON.stringify(made, null, 2)
            : `role      ${made.role}\npassword  ${made.password}`;
          io.stdout.write(`${text}\n`);
          io.stderr.write('The password is shown this once: keep it.\n');
        }),
    )
    .addCommand(
      new Command('list')
        .description('shows the roles')
        .option('--json', 'for programs')
        .action(async ({ json }: Pick<Options, 'json'>) => {
          const roles = await listReportingRoles(databaseUrl());
          const rows = roles.map(({ role, institutionId }) => [role, institutionId]);
          const columns = [{ title: 'role' }, { title: 'institution' }];
          const text = json ? JSON.stringify(roles, null, 2) : table(columns, rows).join('\n');
          io.stdout.write(`${text}\n`);
        }),
    )
    .addCommand(
      new Command('remove')
        .description('takes a role away, with its sessions')
        .argument('<role>')
        .action(async (role: string) => {
          const isRemoved = await removeReportingRole(databaseUrl(), role);
          if (!isRemoved) throw new CommandFailure(`There is no such role: ${role}.`);
        }),
    );
}

function databaseUrl(): string {
  const { databaseUrl: url } = readConfig(undefined, []);
  if (url === null) throw new CommandFailure('DATABASE_URL is not set.');
  return url;
}
