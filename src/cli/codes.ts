// `qrswitch institution|merchant|terminal codes`: what the codes of its bills are made of.

import { Command } from 'commander';
import type { Io } from './io.ts';
import { OperatorClient, type TargetOptions, withTarget } from './operator-client.ts';
import { table } from './table.ts';

const FIELDS = [
  ['format', 'format', 'what codes are: url, emvco, sbp or one that is loaded'],
  ['country', 'country', 'ISO 3166-1 alpha-2; emvco needs one'],
  ['category', 'category', 'merchant category code, 4 digits; emvco'],
  ['sbpMember', 'sbp-member', 'its number as a member of SBP, 12 digits; sbp needs it'],
] as const;
type Field = (typeof FIELDS)[number][0];
type Values = Readonly<Partial<Record<Field, string | null>>>;

/** Which of them each kind has. */
const OF_KIND: Readonly<Record<string, readonly Field[]>> = {
  institutions: ['format', 'country', 'sbpMember'],
  merchants: ['country', 'category'],
  terminals: ['format'],
};

interface ShownCodes {
  readonly set: Values;
  readonly inForce: Values;
}

/** Undefined for those that have none. */
export function codesCommand(plural: string, io: Io): Command | undefined {
  const own = OF_KIND[plural];
  if (own === undefined) return undefined;
  const command = withTarget(new Command('codes'))
    .description('shows what the codes of its bills are made of, or changes it')
    .argument('<id>');
  for (const [field, option, about] of FIELDS) {
    if (own.includes(field)) command.option(`--${option} <value>`, `${about}; none for none`);
  }
  return command.action(async (id: string, options: TargetOptions & Values) => {
    const client = new OperatorClient(options);
    const path = `${plural}/${encodeURIComponent(id)}/codes`;
    const changes = Object.fromEntries(
      own.flatMap((field) =>
        options[field] === undefined ? [] : [[field, chosen(options[field])]],
      ),
    );
    const isChange = Object.keys(changes).length > 0;
    const shown = isChange
      ? await client.change<ShownCodes>('PATCH', path, changes)
      : await client.get<ShownCodes>(path);
    io.stdout.write(`${textOf(shown, options.json === true)}\n`);
  });
}

function chosen(given: string | null): string | null {
  return given === 'none' ? null : given;
}

function textOf(shown: ShownCodes, isJson: boolean): string {
  if (isJson) return JSON.stringify(shown, null, 2);
  const columns = [{ title: 'codes' }, { title: 'set' }, { title: 'in force' }];
  const rows = FIELDS.map(([field, option]) => [
    option,
    shown.set[field] ?? '',
    shown.inForce[field] ?? '',
  ]);
  return table(columns, rows).join('\n');
}
