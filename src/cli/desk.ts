// `qrswitch bill|payment|credit|event`: what a complaint needs, of a running switch.

import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import {
  BILLS,
  CREDITS,
  EVENTS,
  type Listed,
  PAYING_CREDITS,
  PAYING_PAYMENTS,
  PAYMENTS,
  type Row,
  TRANSITIONS,
} from './desk-tables.ts';
import { type Io, Misuse } from './io.ts';
import { OperatorClient, type Shown, type TargetOptions, withTarget } from './operator-client.ts';
import { show, showAll } from './showing.ts';
import { table } from './table.ts';

type Options = TargetOptions & Readonly<Record<string, string | boolean | undefined>>;

const ROWS = '100';

/** What lists may be narrowed by: the option, the parameter it becomes, what it is. */
const FILTERS = {
  order: ['orderId', 'of this order'],
  'payment-ref': ['paymentRef', 'with the payment that goes by this at its wallet'],
  merchant: ['merchantId', 'of this merchant'],
  terminal: ['terminalId', 'of this terminal'],
  paychannel: ['paychannelId', 'of this paychannel'],
  status: ['status', 'in this status'],
  type: ['type', 'of this type'],
  amount: ['amount', 'of exactly this amount, in minor units'],
  from: ['from', 'not before this time (RFC 3339)'],
  to: ['to', 'before this time'],
} as const;
type Filter = keyof typeof FILTERS;

const BILL_FILTERS: readonly Filter[] = [
  'order',
  'payment-ref',
  'merchant',
  'terminal',
  'status',
  'type',
  'amount',
  'from',
  'to',
];
const PART_FILTERS: readonly Filter[] = [
  'payment-ref',
  'merchant',
  'paychannel',
  'status',
  'amount',
  'from',
  'to',
];
const EVENT_FILTERS: readonly Filter[] = ['terminal', 'paychannel', 'status', 'type', 'from', 'to'];
const RESENDS: readonly Filter[] = ['terminal', 'paychannel', 'type', 'from', 'to'];
/** What the paying side may ask by: it knows neither orders nor merchants. */
const PAYING_FILTERS: readonly Filter[] = ['paychannel', 'status', 'from', 'to'];
const OF_BILL: readonly Filter[] = ['status', 'from', 'to'];

export function deskCommands(io: Io): Command[] {
  return [billCommand(io), paymentCommand(io), creditCommand(io), eventCommand(io)];
}

function billCommand(io: Io): Command {
  const ofOne = (name: string, about: string, listed: Listed, filters: readonly Filter[]) =>
    listCommand(io, { name, about, listed, filters, path: (id) => `bills/${id}/${name}` });
  return new Command('bill')
    .description('bills of a running switch: found, seen, and brought to their end')
    .addCommand(
      listCommand(io, {
        name: 'list',
        about: 'finds bills, the newest first',
        listed: BILLS,
        filters: BILL_FILTERS,
        path: () => 'bills',
      }),
    )
    .addCommand(
      ofId('show', 'shows a bill').action(async (id: string, options: Options) =>
        showBill(io, options, await new OperatorClient(options).get<Row>(`bills/${encoded(id)}`)),
      ),
    )
    .addCommand(ofOne('timeline', 'tells all that has become of it', TRANSITIONS, []))
    .addCommand(ofOne('payments', 'shows its payments', PAYMENTS, OF_BILL))
    .addCommand(ofOne('credits', 'shows its credits', CREDITS, OF_BILL))
    .addCommand(ofOne('events', 'shows its events', EVENTS, [...OF_BILL, 'type']))
    .addCommand(actCommand(io, 'confirm', 'makes what was paid final'))
    .addCommand(actCommand(io, 'cancel', 'cancels it, or refunds it where it is confirmed'))
    .addCommand(
      actCommand(io, 'refund', 'gives back what was confirmed, or a part')
        .option('--reason <text>', 'why; the credit shows it')
        .option('--tip', 'gives the tip back, too; with --amount 0, nothing but the tip'),
    );
}

function paymentCommand(io: Io): Command {
  return new Command('payment').description('payments of a running switch').addCommand(
    listCommand(io, {
      name: 'list',
      about: 'finds payments, the newest first',
      listed: PAYMENTS,
      paying: PAYING_PAYMENTS,
      filters: PART_FILTERS,
      path: () => 'payments',
    }),
  );
}

function creditCommand(io: Io): Command {
  return new Command('credit')
    .description('credits of a running switch: found, and those that wallets rejected, resolved')
    .addCommand(
      listCommand(io, {
        name: 'list',
        about:
          'finds credits, the newest first; `--status rejected`: those that nobody has resolved',
        listed: CREDITS,
        paying: PAYING_CREDITS,
        filters: PART_FILTERS,
        path: () => 'credits',
      }),
    )
    .addCommand(
      ofId('request', 'asks again for what its wallet rejected, by another credit').action(
        (id: string, options: Options) => resolve(io, id, 'request', {}, options),
      ),
    )
    .addCommand(
      ofId('close', 'the money has gone back by another way')
        .requiredOption('--reference <text>', 'what it went back by')
        .action((id: string, options: Options) =>
          resolve(io, id, 'close', { reference: options.reference }, options),
        ),
    );
}

async function resolve(
  io: Io,
  id: string,
  verb: 'request' | 'close',
  body: object,
  options: Options,
): Promise<void> {
  const path = `credits/${encoded(id)}/${verb}`;
  show(io, options, await new OperatorClient(options).change<Shown>('POST', path, body));
}

function eventCommand(io: Io): Command {
  const resend = withTarget(
    new Command('resend')
      .description('sends dead letters again')
      .argument('[id]', 'of one of them'),
  ).option('--all', 'all, but for what the options below leave out');
  for (const filter of RESENDS) resend.option(`--${filter} <what>`, FILTERS[filter][1]);
  return new Command('event')
    .description('events of a running switch')
    .addCommand(
      listCommand(io, {
        name: 'list',
        about: 'finds events, the newest first; `--status dead`: dead letters',
        listed: EVENTS,
        filters: EVENT_FILTERS,
        path: () => 'events',
      }),
    )
    .addCommand(
      resend.action(async (id: string | undefined, options: Options) => {
        if ((id === undefined) !== (options.all === true)) {
          throw new Misuse('Which? Name one dead letter, or say --all.');
        }
        const client = new OperatorClient(options);
        const resent =
          id === undefined
            ? await resendAll(client, options)
            : (await client.change<Resent>('POST', `events/${encoded(id)}/resend`, {})).resent;
        const text = options.json === true ? JSON.stringify({ resent }) : `${resent} sent again`;
        io.stdout.write(`${text}\n`);
      }),
    );
}

interface Resent {
  readonly resent: number;
  readonly nextCursor?: string | null;
}

async function resendAll(client: OperatorClient, options: Options): Promise<number> {
  const named = RESENDS.filter((filter) => options[filter] !== undefined);
  const body = Object.fromEntries(named.map((filter) => [FILTERS[filter][0], options[filter]]));
  let resent = 0;
  for (let cursor: string | null | undefined = ''; typeof cursor === 'string'; ) {
    const more: object = cursor === '' ? body : { ...body, cursor };
    const page: Resent = await client.change('POST', 'events/resend', more);
    resent += page.resent;
    cursor = page.nextCursor;
  }
  return resent;
}

interface List {
  readonly name: string;
  readonly about: string;
  readonly listed: Listed;
  /** What the institution sees whose paychannels pay, whoever's the bills are. */
  readonly paying?: Listed;
  readonly filters: readonly Filter[];
  readonly path: (id: string) => string;
}

function listCommand(io: Io, { name, about, listed, paying, filters, path }: List): Command {
  const isOfBill = path('').includes('/');
  const command = isOfBill ? ofId(name, about) : withTarget(new Command(name).description(about));
  for (const filter of filters) command.option(`--${filter} <what>`, FILTERS[filter][1]);
  command.option('--rows <count>', 'how many at the most', ROWS);
  if (paying !== undefined) {
    const sides = new Option('--side <side>', 'of the bills of one’s own, or of paychannels')
      .choices(['billing', 'paying'])
      .default('billing');
    command.addOption(sides);
  }
  const run = async (id: string, options: Options): Promise<void> => {
    const most = countOf(options.rows);
    const side = sideOf(options, filters);
    const shown = (side === 'paying' ? paying : undefined) ?? listed;
    const query = Object.fromEntries(
      filters.map((filter) => [FILTERS[filter][0], options[camel(filter)] as string | undefined]),
    );
    const limit = String(Math.min(most, 100));
    const place = side === 'paying' ? `paying/${path('')}` : path(encoded(id));
    const all = new OperatorClient(options).list<Row>(place, { ...query, limit });
    await showAll(io, options, first(io, all, most), shown.columns, (row) => shown.cells(row));
  };
  return isOfBill ? command.action(run) : command.action((options: Options) => run('', options));
}

function sideOf(options: Options, filters: readonly Filter[]): 'billing' | 'paying' {
  if (options.side !== 'paying') return 'billing';
  const other = filters.find(
    (filter) => !PAYING_FILTERS.includes(filter) && options[camel(filter)] !== undefined,
  );
  if (other === undefined) return 'paying';
  throw new Misuse(`--${other}: the paying side cannot ask by it.`);
}

/** The first of a list; whoever sees them is told where there are more. */
async function* first<Item>(io: Io, all: AsyncIterable<Item>, most: number): AsyncGenerator<Item> {
  let count = 0;
  for await (const item of all) {
    count += 1;
    if (count > most) {
      io.stderr.write(`There are more than ${most}: narrow it, or ask for more with --rows.\n`);
      return;
    }
    yield item;
  }
}

function countOf(rows: unknown): number {
  const count = Number(rows);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new Misuse(`--rows: ${String(rows)} is no number from 1.`);
}

function actCommand(io: Io, verb: 'confirm' | 'cancel' | 'refund', about: string): Command {
  return ofId(verb, about)
    .option('--amount <amount>', 'in minor units; left out: all of it')
    .option('--payment <id>', 'one payment of it')
    .option('--key <key>', 'makes it safe to run again: the same key does it once')
    .action(async (id: string, options: Options) => {
      const { amount, payment, reason, tip, key } = options;
      const place = `bills/${encoded(id)}`;
      // A dynamic bill is confirmed and cancelled whole, and refunded by payments.
      const ofPayment =
        typeof payment === 'string' ? `${place}/payments/${encoded(payment)}` : place;
      const body = {
        ...(amount === undefined ? {} : { amount: Number(amount) }),
        ...(reason === undefined ? {} : { reason }),
        ...(tip === undefined ? {} : { tip }),
      };
      const client = new OperatorClient(options);
      const once = typeof key === 'string' ? key : randomUUID();
      const told = await client.change<Row>('POST', `${ofPayment}/${verb}`, body, once);
      if (options.json === true || typeof payment !== 'string') showBill(io, options, told);
      else show(io, options, { ...(told.payment as Shown) });
    });
}

function showBill(io: Io, options: TargetOptions, bill: Row): void {
  if (options.json === true) {
    show(io, options, bill as Shown);
    return;
  }
  const { payments = [], credits = [], qr: _code, lines: _lines, ...fields } = bill;
  show(io, options, fields as Shown);
  for (const [name, rows, listed] of [
    ['Payments', payments as Row[], PAYMENTS],
    ['Credits', credits as Row[], CREDITS],
  ] as const) {
    if (rows.length === 0) continue;
    const text = table(
      listed.columns,
      rows.map((row) => listed.cells(row)),
    ).join('\n');
    io.stdout.write(`\n${name}\n${text}\n`);
  }
}

function ofId(name: string, about: string): Command {
  return withTarget(new Command(name).description(about).argument('<id>'));
}

function encoded(id: string): string {
  return encodeURIComponent(id);
}

/** As the parser of the command line names it. */
function camel(option: string): string {
  return option.replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
