// What operators' calls about webhooks answer.

import { parsePartId } from '../../domain/ids.ts';
import { readBack } from '../../switch/failures.ts';
import { mayDo } from '../../switch/operator-desk.ts';
import type { DeadLetter, LetterId, Webhook } from '../../switch/webhooks/ports.ts';
import { type Checked, type WayKind, WEBHOOK } from '../../switch/webhooks/ways.ts';
import { invalid, type Problem } from '../problem-document.ts';
import type { OperatorRequestBody } from '../schemas/operator.ts';
import {
  type Answer,
  type Answering,
  type Asked,
  changedAnswer,
  foundAnswer,
  listAnswer,
  pageAnswer,
  pageOf,
  refusalOf,
  textOf,
  timeOf,
} from './operator-answers.ts';
import type { OperatorOptions } from './options.ts';

const UNKNOWN: Problem = { code: 'webhook.notFound' };
const OVERLAP_S = 86_400;

/** By the last word of the call's id. */
export function webhookAnswers(options: OperatorOptions) {
  const { webhooks: desk, clock, ways } = options;
  return {
    add: async ({ operator, acting, body }) => {
      const request = body as OperatorRequestBody<'operator.webhook.add'>;
      const to = whereTo(request);
      if ('code' in to) return to;
      // Merchants' administrators look after terminals and their merchant, and see nobody else.
      if (!mayDo(operator, 'issueKey', 'terminal')) return refusalOf(operator);
      const { holderId, eventTypes } = request;
      const kind = await desk.holderKind(acting.scope, holderId);
      if (kind === null) return { code: 'party.notFound' };
      const checked = await ways.check(to.driver, wayKindOf(kind), to.settings);
      const isFit = 'value' in checked;
      // What was made stands, whichever drivers are loaded by now.
      if (!isFit && !(await options.desk.isRepeat(acting))) return problemOfWay(checked);
      const settings = isFit ? checked.value : to.settings;
      const of = { holderId, ...to, settings, eventTypes: eventTypes ?? null };
      const changed = await desk.add(acting, of);
      return changedAnswer(changed, { code: 'party.notFound' }, showWithSecret, 201);
    },
    list: (asked) =>
      pageAnswer(asked, clock, showWebhook, (scope, page) =>
        desk.list(scope, textOf(asked.query.holderId), page),
      ),
    get: async ({ acting, params }) => {
      const webhook = await desk.find(acting.scope, params.webhookId ?? '');
      return foundAnswer(webhook, UNKNOWN, showWebhook);
    },
    rotate: ofOne(options, async ({ acting, body }, { id }) => {
      const { overlapSeconds } = body as OperatorRequestBody<'operator.webhook.rotate'>;
      const overlapMs = (overlapSeconds ?? OVERLAP_S) * 1_000;
      return changedAnswer(await desk.rotate(acting, id, overlapMs), UNKNOWN, showWithSecret);
    }),
    test: ofOne(options, (asked, webhook) => tested(options, asked, webhook)),
    remove: ofOne(options, async ({ acting }, { id }) =>
      changedAnswer(await desk.remove(acting, id), UNKNOWN, showWebhook),
    ),
    deadLetters: async ({ acting, params, query }) => {
      const page = pageOf(query, isLetter);
      if ('code' in page) return page;
      const webhook = await desk.find(acting.scope, params.webhookId ?? '');
      if (webhook === null) return UNKNOWN;
      const found = await desk.deadLetters(webhook.id, { ...page, limit: page.limit + 1 });
      return listAnswer(found, page.limit, clock.wall(), showLetter);
    },
    resend: ofOne(options, async ({ acting, body }, { id }) => {
      const { eventIds } = body as OperatorRequestBody<'operator.webhook.resend'>;
      const events = eventIds === undefined ? null : lettersOf(eventIds);
      return changedAnswer(await desk.resend(acting, id, events), UNKNOWN, showWebhook);
    }),
  } satisfies Record<string, Answering>;
}

/** A change of one that the operator sees, and may change. */
function ofOne(
  { webhooks: desk }: OperatorOptions,
  change: (asked: Asked, webhook: Webhook) => Promise<Answer>,
): Answering {
  return async (asked) => {
    const { operator, acting, params } = asked;
    const webhook = await desk.find(acting.scope, params.webhookId ?? '');
    if (webhook === null) return UNKNOWN;
    if (!mayDo(operator, 'issueKey', webhook.holder.kind)) return refusalOf(operator);
    return change(asked, webhook);
  };
}

async function tested(
  { webhooks: desk, ways }: OperatorOptions,
  { acting }: Asked,
  { id, driver, holder, state }: Webhook,
): Promise<Answer> {
  const receiver = await desk.receiverOf(id);
  if (receiver === null) return UNKNOWN;
  const { isProven, said } = await ways.of(driver, wayKindOf(holder.kind)).prove(receiver);
  const isNew = isProven && state !== 'active';
  if (isNew) await desk.proven(acting, id);
  const found = desk.find(acting.scope, id);
  return foundAnswer(await (isNew ? readBack(found) : found), UNKNOWN, (webhook) => ({
    passed: isProven,
    said,
    webhook: showWebhook(webhook),
  }));
}

function problemOfWay(checked: Exclude<Checked, { value: unknown }>): Problem {
  if ('away' in checked) return { code: 'driver.away', detail: checked.away };
  return invalid(checked.flaws);
}

/** A webhook has a URL, and any other way the settings that its driver asks for. */
function whereTo({
  driver = WEBHOOK,
  url,
  settings,
}: OperatorRequestBody<'operator.webhook.add'>): { driver: string; settings: unknown } | Problem {
  const isWebhook = driver === WEBHOOK;
  const has = { url: url !== undefined, settings: settings !== undefined };
  const [wanted, foreign] = isWebhook
    ? (['url', 'settings'] as const)
    : (['settings', 'url'] as const);
  if (!has[wanted]) return invalid([{ path: wanted, message: `is missing: ${driver} needs it` }]);
  if (has[foreign]) return invalid([{ path: foreign, message: `does not go with ${driver}` }]);
  return { driver, settings: isWebhook ? { url } : settings };
}

function wayKindOf(kind: Webhook['holder']['kind']): WayKind {
  return kind === 'paychannel' ? 'paychannel' : 'terminal';
}

function isLetter(text: string): boolean {
  return parsePartId(text, 'e') !== undefined;
}

/** Ids that are none of events name no letter. */
function lettersOf(eventIds: readonly string[]): LetterId[] {
  return eventIds.flatMap((text) => parsePartId(text, 'e') ?? []);
}

function showWebhook({ createdAt, secrets, health, ...webhook }: Webhook): object {
  return {
    ...webhook,
    createdAt: timeOf(createdAt),
    secrets: secrets.map(({ id, ...times }) => ({
      id,
      createdAt: timeOf(times.createdAt),
      endsAt: timeOf(times.endsAt),
    })),
    health: {
      ...health,
      succeededAt: timeOf(health.succeededAt),
      failedAt: timeOf(health.failedAt),
    },
  };
}

function showWithSecret(webhook: Webhook, secret: string | null): object {
  return { ...showWebhook(webhook), secret };
}

function showLetter({ occurredAt, since, ...letter }: DeadLetter): object {
  return { ...letter, occurredAt: timeOf(occurredAt), since: timeOf(since) };
}
