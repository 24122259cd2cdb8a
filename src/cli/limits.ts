// `qrswitch institution|terminal|paychannel limits`: how much one of them may ask of the switch.

import { Command, InvalidArgumentError } from 'commander';
import type { Io } from './io.ts';
import { OperatorClient, type TargetOptions, withTarget } from './operator-client.ts';
import { table } from './table.ts';

/** Each limit: its option, its field, and what it counts. */
const LIMITS = [
  ['rate', 'requestsPerSecond', 'requests a second'],
  ['burst', 'burst', 'requests at once after a pause'],
  ['sockets', 'sockets', 'WebSockets open at once'],
] as const;

type Field = (typeof LIMITS)[number][1];
type Values = Readonly<Partial<Record<Field, number | null>>>;

interface ShownLimits {
  readonly set: Values;
  readonly inForce: Values;
}

type Options = TargetOptions &
  Readonly<Partial<Record<'rate' | 'burst' | 'sockets', number | 'none'>>> & {
    readonly reset?: boolean;
  };

export function limitsCommand(plural: string, io: Io): Command {
  const command = withTarget(new Command('limits'))
    .description(
      'shows how much it may ask, or sets it: what is left out goes by the configuration',
    )
    .argument('<id>')
    .option('--reset', 'sets none: all go by the configuration');
  for (const [option, , about] of LIMITS) {
    command.option(`--${option} <number>`, `${about}; none for no limit`, countOf);
  }
  return command.action(async (id: string, options: Options) => {
    const client = new OperatorClient(options);
    const path = `${plural}/${encodeURIComponent(id)}/limits`;
    const set = Object.fromEntries(
      LIMITS.flatMap(([option, field]) => {
        const value = options[option];
        return value === undefined ? [] : [[field, value === 'none' ? null : value]];
      }),
    );
    const isChange = options.reset === true || Object.keys(set).length > 0;
    const shown = isChange
      ? await client.change<ShownLimits>('PUT', path, set)
      : await client.get<ShownLimits>(path);
    io.stdout.write(`${textOf(shown, options.json === true)}\n`);
  });
}

/** Commander takes null for an option without its argument, so none stays a word until it is sent. */
function countOf(text: string): number | 'none' {
  if (text === 'none') return text;
  const count = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError('It must be a whole number, or none.');
  }
  return count;
}

function textOf(shown: ShownLimits, isJson: boolean): string {
  if (isJson) return JSON.stringify(shown, null, 2);
  const columns = [{ title: 'limit' }, { title: 'set' }, { title: 'in force' }];
  const rows = LIMITS.map(([, field, about]) => [
    about,
    field in shown.set ? cell(shown.set[field]) : '',
    cell(shown.inForce[field]),
  ]);
  return table(columns, rows).join('\n');
}

function cell(value: number | null | undefined): string {
  return value === null || value === undefined ? 'none' : String(value);
}
