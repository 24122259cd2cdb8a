// `qrswitch institution|merchant|terminal|paychannel|operator|key`: the directory of a running switch.

import { Command } from 'commander';
import { codesCommand } from './codes.ts';
import { firstOperator } from './first-operator.ts';
import type { Io } from './io.ts';
import { limitsCommand } from './limits.ts';
import { OperatorClient, type Shown, type TargetOptions, withTarget } from './operator-client.ts';
import { cell, show, showAll } from './showing.ts';
import type { Column } from './table.ts';
import { addTerminals } from './terminal-rows.ts';

type Options = TargetOptions & Readonly<Record<string, string | boolean | undefined>>;

interface Subject {
  readonly name: string;
  readonly plural: string;
  readonly about: string;
  /** Options of `add` that it must be given, and those that it may be. */
  readonly needs: Readonly<Record<string, string>>;
  readonly takes?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, string>>;
  /** Whether it sets policies for its bills. */
  readonly policies?: true;
  readonly hasKey: boolean;
  readonly filters: readonly ('institution' | 'merchant')[];
}

const OF = {
  institution: 'the institution’s id',
  merchant: 'the merchant’s id',
  name: 'what people call it',
} as const;

const POLICIES = {
  late: 'a payment after the end of a static bill that is paid once: refuse or accept',
  excess: 'what is paid above what is due: refuse, or take it and reverse what is above',
  part: 'a payment of a part of what is due: allow or forbid',
  unconfirmed: 'a paid bill that nobody confirms in time: confirm or reverse',
} as const;

const SUBJECTS: readonly Subject[] = [
  {
    name: 'institution',
    plural: 'institutions',
    about: 'a bank or acquirer',
    needs: { name: OF.name },
    takes: { mode: 'test or live, for ever; live where left out' },
    policies: true,
    hasKey: false,
    filters: [],
  },
  {
    name: 'merchant',
    plural: 'merchants',
    about: 'a business under an institution',
    needs: { institution: OF.institution, name: OF.name, city: 'where; payers read it' },
    policies: true,
    hasKey: false,
    filters: ['institution'],
  },
  {
    name: 'terminal',
    plural: 'terminals',
    about: 'a till, program or device of a merchant',
    needs: { merchant: OF.merchant, name: OF.name },
    flags: { restricted: 'sees its own bills only' },
    hasKey: true,
    filters: ['institution', 'merchant'],
  },
  {
    name: 'paychannel',
    plural: 'paychannels',
    about: 'a bank or wallet that pays bills',
    needs: { institution: OF.institution, name: OF.name },
    takes: { signatures: 'required: its requests must be signed' },
    flags: { subscribed: 'hears payment.confirmed' },
    hasKey: true,
    filters: ['institution'],
  },
  {
    name: 'operator',
    plural: 'operators',
    about: 'who may do all this',
    needs: { role: 'system, institutionAdmin, institutionViewer or merchantAdmin', name: OF.name },
    takes: { institution: OF.institution, merchant: OF.merchant },
    hasKey: true,
    filters: ['institution', 'merchant'],
  },
];

const PARTY_COLUMNS: readonly Column[] = [
  'id',
  'name',
  'belongs to',
  'mode',
  'suspended',
  'created',
].map((title) => ({ title }));
const KEY_COLUMNS: readonly Column[] = [
  'id',
  'name',
  'holder',
  'created',
  'expires',
  'last used',
  'withdrawn',
].map((title) => ({ title }));

export function directoryCommands(io: Io): Command[] {
  return [...SUBJECTS.map((subject) => subjectCommand(subject, io)), keyCommand(io)];
}

function subjectCommand(subject: Subject, io: Io): Command {
  const { name, plural } = subject;
  const command = new Command(name)
    .description(`${plural} of a running switch: ${subject.about}`)
    .addCommand(addCommand(subject, io))
    .addCommand(listCommand(subject, io));
  if (['institution', 'terminal', 'paychannel'].includes(name)) {
    command.addCommand(limitsCommand(plural, io));
  }
  const codes = codesCommand(plural, io);
  if (codes !== undefined) command.addCommand(codes);
  if (name === 'terminal') command.addCommand(addTerminals(io));
  if (name === 'operator') command.addCommand(firstOperator(io));
  if (name === 'paychannel') command.addCommand(secureCommand(io));
  for (const verb of ['suspend', 'resume'] as const) {
    const tells = verb === 'suspend' ? 'lets it begin nothing new' : 'ends its suspension';
    command.addCommand(
      withTarget(new Command(verb).description(tells).argument('<id>')).action(
        async (id: string, options: Options) => {
          const path = `${plural}/${encodeURIComponent(id)}/${verb}`;
          show(io, options, await new OperatorClient(options).change<Shown>('POST', path, {}));
        },
      ),
    );
  }
  return command;
}

function addCommand(subject: Subject, io: Io): Command {
  const command = withTarget(new Command('add').description(`adds one to the ${subject.plural}`));
  for (const [option, about] of Object.entries(subject.needs)) {
    command.requiredOption(`--${option} <${option}>`, about);
  }
  for (const [option, about] of Object.entries(subject.takes ?? {})) {
    command.option(`--${option} <${option}>`, about);
  }
  for (const [option, about] of Object.entries(subject.flags ?? {})) {
    command.option(`--${option}`, about);
  }
  if (subject.policies) {
    for (const [option, about] of Object.entries(POLICIES)) {
      command.option(`--${option} <what>`, about);
    }
  }
  if (subject.hasKey) command.option('--no-key', 'without a first key');
  return command.action(async (options: Options) => {
    const names = [subject.needs, subject.takes ?? {}, subject.flags ?? {}].flatMap(Object.keys);
    const fields = names.flatMap((name) =>
      options[name] === undefined ? [] : [[FIELDS[name] ?? name, options[name]]],
    );
    const body = { ...Object.fromEntries(fields), ...policiesIn(options) };
    const withKey = subject.hasKey && options.key !== false ? { withKey: true } : {};
    const client = new OperatorClient(options);
    show(io, options, await client.change<Shown>('POST', subject.plural, { ...body, ...withKey }));
  });
}

/** Those that are named; the switch says what they may be. */
function policiesIn(options: Options): { policies?: object } {
  const named = Object.keys(POLICIES).filter((name) => options[name] !== undefined);
  if (named.length === 0) return {};
  return { policies: Object.fromEntries(named.map((name) => [name, options[name]])) };
}

const FIELDS: Readonly<Record<string, string>> = {
  institution: 'institutionId',
  merchant: 'merchantId',
};

/** What a paychannel must show beside its key. */
function secureCommand(io: Io): Command {
  return withTarget(new Command('secure').description('demands more of a paychannel than its key'))
    .argument('<id>')
    .option('--signatures <what>', 'of its requests: required or off')
    .option(
      '--certificates <sha256>',
      'of its connections: fingerprints, separated by commas; none',
    )
    .action(async (id: string, options: Options) => {
      const path = `paychannels/${encodeURIComponent(id)}`;
      const { signatures, certificates } = options;
      const body = {
        ...(signatures === undefined ? {} : { signatures }),
        ...(certificates === undefined ? {} : { certificates: namedIn(String(certificates)) }),
      };
      show(io, options, await new OperatorClient(options).change<Shown>('PATCH', path, body));
    });
}

function namedIn(list: string): string[] {
  return list === 'none' ? [] : list.split(',').map((one) => one.trim());
}

function listCommand(subject: Subject, io: Io): Command {
  const command = withTarget(new Command('list').description(`shows the ${subject.plural}`));
  for (const filter of subject.filters)
    command.option(`--${filter} <id>`, `of this ${filter} only`);
  return command.action(async (options: Options) => {
    const filter = Object.fromEntries(
      subject.filters.map((name) => [FIELDS[name] ?? name, options[name] as string | undefined]),
    );
    const all = new OperatorClient(options).list<Shown>(subject.plural, filter);
    await showAll(io, options, all, PARTY_COLUMNS, (party) => [
      party.id,
      String(party.name),
      String(party.merchantId ?? party.institutionId ?? ''),
      String(party.mode ?? ''),
      cell(party.suspendedAt),
      cell(party.createdAt),
    ]);
  });
}

function keyCommand(io: Io): Command {
  const holder = (command: Command): Command =>
    command.argument('<holder>', 'the id of a terminal, paychannel, merchant or operator');
  return new Command('key')
    .description('keys of a running switch: several may be live, so that one follows another')
    .addCommand(
      withTarget(holder(new Command('add').description('makes a key and shows it, this once')))
        .option('--name <name>', 'what it is for')
        .option('--use <use>', 'signing: a secret that the paychannel signs its requests with')
        .option('--expires <time>', 'when it ends (RFC 3339)')
        .action(async (id: string, options: Options) => {
          const body = {
            holder: { kind: kindOf(id), id },
            ...(options.name === undefined ? {} : { name: options.name }),
            ...(options.use === undefined ? {} : { use: options.use }),
            ...(options.expires === undefined ? {} : { expiresAt: options.expires }),
          };
          const client = new OperatorClient(options);
          show(io, options, await client.change<Shown>('POST', 'keys', body));
        }),
    )
    .addCommand(
      withTarget(new Command('list').description('shows the keys, but not what they are'))
        .option('--holder <id>', 'of this holder only')
        .action(async (options: Options & { holder?: string }) => {
          const all = new OperatorClient(options).list<Shown>('keys', { holderId: options.holder });
          await showAll(io, options, all, KEY_COLUMNS, (key) => [
            key.id,
            String(key.name),
            (key.holder as { id: string }).id,
            cell(key.createdAt),
            cell(key.expiresAt),
            cell(key.lastUsedAt),
            cell(key.revokedAt),
          ]);
        }),
    )
    .addCommand(
      withTarget(new Command('revoke').description('withdraws a key, within a second'))
        .argument('<id>', 'of the key')
        .action(async (id: string, options: Options) => {
          const path = `keys/${encodeURIComponent(id)}/revoke`;
          show(io, options, await new OperatorClient(options).change<Shown>('POST', path, {}));
        }),
    );
}

const KINDS: Readonly<Record<string, string>> = {
  ter: 'terminal',
  mer: 'merchant',
  pay: 'paychannel',
  opr: 'operator',
};

function kindOf(id: string): string {
  return KINDS[id.slice(0, 3)] ?? 'terminal';
}
