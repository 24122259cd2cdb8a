// `qrswitch webhook`: where holders without a socket get their events.

import { Command } from 'commander';
import { CommandFailure, type Io, Misuse } from './io.ts';
import { OperatorClient, type Shown, type TargetOptions, withTarget } from './operator-client.ts';
import { cell, show, showAll } from './showing.ts';
import type { Column } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'holder' },
  { title: 'to' },
  { title: 'state' },
  { title: 'breaker' },
  { title: 'pending', align: 'right' },
  { title: 'dead', align: 'right' },
  { title: 'last taken' },
  { title: 'last failure' },
];
const LETTER_COLUMNS: readonly Column[] = ['event', 'type', 'occurred', 'given up', 'because'].map(
  (title) => ({ title }),
);
const SECONDS = /^\d{1,7}$/;

interface Webhook extends Shown {
  readonly holder: { readonly id: string };
  readonly driver: string;
  readonly url: string | null;
  readonly state: string;
  readonly secret?: string | null;
  readonly health: {
    readonly breaker: string | null;
    readonly pending: number;
    readonly deadLetters: number;
    readonly succeededAt: string | null;
    readonly failure: string | null;
  };
}

interface AddOptions extends TargetOptions {
  readonly events?: string;
  readonly driver?: string;
  readonly settings?: string;
}

export function webhookCommand(io: Io): Command {
  return new Command('webhook')
    .description('webhooks of a running switch: where holders without a socket get their events')
    .addCommand(addCommand(io))
    .addCommand(listCommand(io))
    .addCommand(rotateCommand(io))
    .addCommand(testCommand(io))
    .addCommand(deadCommand(io))
    .addCommand(resendCommand(io))
    .addCommand(
      withTarget(of('remove', 'sends nothing there any more')).action(
        async (id: string, options: TargetOptions) => {
          const client = new OperatorClient(options);
          show(io, options, await client.change<Shown>('DELETE', pathOf(id), {}));
        },
      ),
    );
}

function addCommand(io: Io): Command {
  const about = 'registers an endpoint and shows its secret, this once';
  return withTarget(new Command('add').description(about))
    .argument('<holder>', 'the id of a terminal, paychannel or merchant')
    .argument('[url]', 'where its events are to be posted')
    .option('--events <types>', 'only these, separated by commas')
    .option('--driver <name>', 'brought there by a loaded driver instead')
    .option('--settings <json>', 'what the driver is told of the endpoint')
    .action(async (holderId: string, url: string | undefined, options: AddOptions) => {
      const eventTypes = options.events?.split(',').map((type) => type.trim());
      const { driver } = options;
      const settings = settingsIn(options.settings);
      // What was left out is not there in JSON.
      const body = { holderId, url, driver, settings, eventTypes };
      const client = new OperatorClient(options);
      showSecret(io, options, await client.change<Webhook>('POST', 'webhooks', body));
    });
}

function settingsIn(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Misuse('--settings: it is no JSON.');
  }
}

function listCommand(io: Io): Command {
  return withTarget(new Command('list').description('shows the endpoints, and how they do'))
    .option('--holder <id>', 'of this holder only')
    .action(async (options: TargetOptions & { holder?: string }) => {
      const filter = { holderId: options.holder };
      const all = new OperatorClient(options).list<Webhook>('webhooks', filter);
      await showAll(io, options, all, COLUMNS, ({ id, holder, driver, url, state, health }) => [
        id,
        holder.id,
        url === null ? driver : new URL(url).host,
        state,
        health.breaker ?? '',
        String(health.pending),
        String(health.deadLetters),
        cell(health.succeededAt),
        health.failure ?? '',
      ]);
    });
}

function rotateCommand(io: Io): Command {
  return withTarget(of('rotate', 'makes a new secret and shows it, this once'))
    .option('--overlap <seconds>', 'for so long the secrets of before sign too', '86400')
    .action(async (id: string, options: TargetOptions & { overlap: string }) => {
      if (!SECONDS.test(options.overlap)) {
        throw new Misuse(`--overlap: ${options.overlap} is no number of seconds.`);
      }
      const body = { overlapSeconds: Number(options.overlap) };
      const client = new OperatorClient(options);
      showSecret(io, options, await client.change<Webhook>('POST', `${pathOf(id)}/rotate`, body));
    });
}

function testCommand(io: Io): Command {
  const about = 'sends a signed challenge now; an endpoint that echoes it is active from then on';
  return withTarget(of('test', about)).action(async (id: string, options: TargetOptions) => {
    const client = new OperatorClient(options);
    const told = await client.change<{ passed: boolean; said: string; webhook: Webhook }>(
      'POST',
      `${pathOf(id)}/test`,
      {},
    );
    if (options.json === true) io.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
    else io.stdout.write(`${told.passed ? 'passed' : 'failed'}: ${told.said}\n`);
    if (!told.passed) throw new CommandFailure('The endpoint did not pass its test.');
  });
}

function deadCommand(io: Io): Command {
  const about = 'shows the events that an endpoint has not taken in three days';
  return withTarget(of('dead', about)).action(async (id: string, options: TargetOptions) => {
    const all = new OperatorClient(options).list<Shown>(`${pathOf(id)}/dead-letters`, {});
    await showAll(io, options, all, LETTER_COLUMNS, (letter) => [
      letter.id,
      String(letter.type),
      cell(letter.occurredAt),
      cell(letter.since),
      String(letter.failure ?? ''),
    ]);
  });
}

function resendCommand(io: Io): Command {
  return withTarget(of('resend', 'sends dead letters again, for another three days'))
    .argument('[events...]', 'ids of events; all where none is given')
    .action(async (id: string, events: readonly string[], options: TargetOptions) => {
      const body = events.length === 0 ? {} : { eventIds: events };
      const client = new OperatorClient(options);
      show(io, options, await client.change<Shown>('POST', `${pathOf(id)}/resend`, body));
    });
}

function of(name: string, about: string): Command {
  return new Command(name).description(about).argument('<id>', 'of the webhook');
}

function pathOf(id: string): string {
  return `webhooks/${encodeURIComponent(id)}`;
}

function showSecret(io: Io, options: TargetOptions, webhook: Webhook): void {
  show(io, options, webhook);
  if (typeof webhook.secret !== 'string') return;
  io.stderr.write('The secret is shown this once: keep it.\n');
}
