// The calls of operators: read, allowed or refused, and given to the desk.

import { must } from '../../domain/assert.ts';
import { readBack } from '../../switch/failures.ts';
import { inForce, type LimitSettings } from '../../switch/limits.ts';
import {
  type Acting,
  type AuditLine,
  type IssuedKey,
  type LimitedKind,
  mayDo,
  type OperatorAction,
  type OperatorSubject,
  type Party,
  type PartyFields,
  type PartyKind,
  scopeOfOperator,
} from '../../switch/operator-desk.ts';
import type { Principal } from '../../switch/principal.ts';
import type { CodedKind } from '../../switch/qr.ts';
import { digestOf } from '../digest.ts';
import { operatorCalls } from '../operator-calls.ts';
import { encodeBody } from '../presenter.ts';
import { invalid, type Problem, type Violation } from '../problem-document.ts';
import type { OperatorRequestBody, OperatorRequestName } from '../schemas/operator.ts';
import { LIMITS } from '../schemas/scalars.ts';
import { violationsOf } from '../schemas/validation.ts';
import { parseTime } from '../wire-time.ts';
import { agreementAnswers } from './agreement-answers.ts';
import { codeAnswers } from './code-answers.ts';
import type { Exchange } from './exchange.ts';
import type { CallHandler } from './http.ts';
import {
  type Answer,
  type Answering,
  type Asked,
  changedAnswer,
  FORBIDDEN,
  foundAnswer,
  pageAnswer,
  refusalOf,
  textOf,
  timeOf,
} from './operator-answers.ts';
import type { OperatorOptions } from './options.ts';
import { maySeePayers, payerAnswers } from './payer-answers.ts';
import { readQuery } from './query.ts';
import { tariffAnswers } from './tariff-answers.ts';
import { when } from './wall.ts';
import { webhookAnswers } from './webhook-answers.ts';

const OF_HOLDERS = new Set(['key', 'webhook']);

export function operatorHandlers(options: OperatorOptions): Map<string, CallHandler> {
  const handlers = new Map<string, CallHandler>();
  for (const { id } of operatorCalls) {
    const [, subject = '', verb = ''] = id.split('.');
    const answer = answerOf(options, subject, verb);
    handlers.set(id, (exchange, operator) => {
      if (!mayAsk(operator, subject, verb)) {
        exchange.refuse(refusalOf(operator));
        return;
      }
      const asked = read(exchange, operator);
      if (asked === undefined) return;
      when(exchange, answer(asked), (told) => {
        if ('code' in told) exchange.refuse(told);
        else exchange.reply(told.status, encodeBody(told.body, 'json'));
      });
    });
  }
  return handlers;
}

function mayAsk(operator: Principal, subject: string, verb: string): boolean {
  if (subject === 'payer') return maySeePayers({ operator });
  // A key's or a webhook's holder tells whether it may be touched.
  if (OF_HOLDERS.has(subject)) return true;
  return mayDo(operator, actionOf(subject, verb), subject as OperatorSubject);
}

function actionOf(subject: string, verb: string): OperatorAction {
  if (subject === 'audit') return 'audit';
  if (verb === 'list' || verb === 'get') return 'see';
  if (verb === 'limits' || verb === 'codes') return 'see';
  if (verb === 'put' || verb === 'changeCodes') return 'change';
  return verb === 'add' || verb === 'change' || verb === 'limit' ? verb : 'suspend';
}

/** Undefined where it was refused. */
function read(exchange: Exchange, operator: Principal): Asked | undefined {
  const { incoming } = exchange;
  const { call, params, requestId, idempotencyKey } = incoming;
  const query = readQuery(call, incoming.query);
  if ('problem' in query) {
    exchange.refuse(query.problem);
    return undefined;
  }
  let body: Record<string, unknown> = {};
  if (call.request !== undefined) {
    const given = exchange.json();
    if (given === undefined) return undefined;
    const flaws = flawsOf(call.request as OperatorRequestName, given, idempotencyKey);
    if (flaws.length > 0) {
      exchange.refuse(invalid(flaws));
      return undefined;
    }
    body = given as Record<string, unknown>;
  }
  const acting: Acting = {
    operator,
    scope: scopeOfOperator(operator),
    requestId,
    idempotencyKey: idempotencyKey === '' ? null : idempotencyKey,
    digest: digestOf({ call: call.id, params, body }, []),
  };
  return { operator, acting, params, query: query.values, body };
}

function flawsOf(
  name: OperatorRequestName,
  given: unknown,
  idempotencyKey: string,
): readonly Violation[] {
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    return [{ path: '', message: 'must be a JSON object' }];
  }
  if (Object.hasOwn(given, 'idempotencyKey')) {
    return [{ path: 'idempotencyKey', message: 'is not a field of this body' }];
  }
  const whole = idempotencyKey === '' ? given : { ...given, idempotencyKey };
  const violations = violationsOf(name, whole);
  if (violations !== undefined) return violations;
  const isEmpty = /\.change(Codes)?$/.test(name) && Object.keys(given).length === 0;
  return isEmpty ? [{ path: '', message: 'must hold at least one field' }] : [];
}

/** By the last word of a call's id. */
type Answers = Readonly<Record<string, Answering>>;

/** A call that nothing answers is a Defect, when the gateway starts. */
function answerOf(options: OperatorOptions, subject: string, verb: string): Answering {
  if (subject === 'audit') return (asked) => auditPage(options, asked);
  return must(answersOf(options, subject)[verb], `what answers operator.${subject}.${verb}`);
}

function answersOf(options: OperatorOptions, subject: string): Answers {
  switch (subject) {
    case 'webhook':
      return webhookAnswers(options);
    case 'key':
      return keyAnswers(options);
    case 'payer':
      return payerAnswers(options);
    case 'agreement':
      return agreementAnswers(options);
    case 'tariff':
      return tariffAnswers(options);
    default:
      return {
        ...partyAnswers(options, subject as PartyKind),
        ...limitAnswers(options, subject as LimitedKind),
        ...codeAnswers(options, subject as CodedKind),
      };
  }
}

function partyAnswers({ desk, clock }: OperatorOptions, kind: PartyKind) {
  const unknown: Problem = { code: 'party.notFound' };
  const suspend =
    (isSuspended: boolean): Answering =>
    async ({ acting, params }) => {
      const changed = await desk.suspend(acting, kind, params.partyId ?? '', isSuspended);
      return changedAnswer(changed, unknown, showParty);
    };
  return {
    add: async ({ acting, body }) => {
      const { withKey = false, ...given } = body as PartyFields & { withKey?: boolean };
      const fields = kept(given);
      if (kind === 'operator') {
        const flaws = flawsOfOperator(fields);
        if (flaws.length > 0) return invalid(flaws);
        if (fields.role === 'system' && !acting.scope.seesSystem) return FORBIDDEN;
      }
      const changed = await desk.add(acting, kind, fields, withKey);
      return changedAnswer(changed, unknown, showNewParty, 201);
    },
    list: (asked) => {
      const { institutionId, merchantId } = asked.query;
      const of = { institutionId: textOf(institutionId), merchantId: textOf(merchantId) };
      return pageAnswer(asked, clock, showParty, (scope, page) => desk.list(scope, kind, of, page));
    },
    get: async ({ acting, params }) => {
      const party = await desk.find(acting.scope, kind, params.partyId ?? '');
      return foundAnswer(party, unknown, showParty);
    },
    change: async ({ acting, params, body }) => {
      const changed = await desk.change(acting, kind, params.partyId ?? '', kept(body));
      return changedAnswer(changed, unknown, showParty);
    },
    suspend: suspend(true),
    resume: suspend(false),
  } satisfies Record<string, Answering>;
}

function limitAnswers({ desk, limits }: OperatorOptions, kind: LimitedKind) {
  const unknown: Problem = { code: 'party.notFound' };
  const show = async ({ acting, params }: Asked): Promise<Answer> => {
    const id = params.partyId ?? '';
    const set = await desk.limits(acting.scope, kind, id);
    if (set === null) return unknown;
    const { holder, institution } = limits.parties;
    const fallback = kind === 'institution' ? institution : holder;
    return { status: 200, body: { kind, id, set, inForce: inForce(set, fallback) } };
  };
  return {
    limits: show,
    limit: async (asked) => {
      const { acting, params, body } = asked;
      const changed = await desk.limit(acting, kind, params.partyId ?? '', body as LimitSettings);
      const isSet = changed.is === 'done' || changed.is === 'repeated';
      return isSet ? readBack(show(asked)) : changedAnswer(changed, unknown, showParty);
    },
  } satisfies Record<string, Answering>;
}

/** Fingerprints are taken as tools print them, and kept in one form. */
function kept(fields: PartyFields): PartyFields {
  const { certificates, ...rest } = fields;
  if (certificates === undefined) return rest;
  const plain = certificates.map((one) => one.replaceAll(':', '').toLowerCase());
  return { ...rest, certificates: [...new Set(plain)] };
}

function flawsOfOperator({ role, institutionId, merchantId }: PartyFields): Violation[] {
  const flaws: Violation[] = [];
  if (role !== 'system' && institutionId === undefined) {
    flaws.push({ path: 'institutionId', message: 'is missing: the role has an institution' });
  }
  if ((role === 'merchantAdmin') !== (merchantId !== undefined)) {
    const message = 'goes with the role merchantAdmin, and with no other';
    flaws.push({ path: 'merchantId', message });
  }
  return flaws;
}

function keyAnswers({ desk, clock }: OperatorOptions) {
  const unknown: Problem = { code: 'key.notFound' };
  return {
    add: async ({ operator, acting, body }) => {
      const {
        holder,
        name,
        use = 'key',
        expiresAt,
      } = body as OperatorRequestBody<'operator.key.add'>;
      if (!mayDo(operator, 'issueKey', holder.kind)) return refusalOf(operator);
      const endsAt = expiresAt === undefined ? null : (parseTime(expiresAt) ?? null);
      // A retry keeps its outcome, although the key has ended meanwhile.
      if (endsAt !== null && endsAt <= clock.wall() && !(await desk.isRepeat(acting))) {
        return invalid([{ path: 'expiresAt', message: 'must be in the future' }]);
      }
      if (use === 'signing' && holder.kind !== 'paychannel') {
        return invalid([{ path: 'use', message: 'signing secrets are of paychannels alone' }]);
      }
      const of = { name: name ?? '', use, expiresAt: endsAt };
      const changed = await desk.addKey(acting, holder, of);
      return changedAnswer(changed, { code: 'party.notFound' }, showNewKey, 201);
    },
    list: (asked) =>
      pageAnswer(asked, clock, showKey, (scope, page) =>
        desk.listKeys(scope, textOf(asked.query.holderId), page),
      ),
    get: async ({ acting, params }) => {
      const key = await desk.findKey(acting.scope, params.keyId ?? '');
      return foundAnswer(key, unknown, showKey);
    },
    revoke: async ({ operator, acting, params }) => {
      const key = await desk.findKey(acting.scope, params.keyId ?? '');
      if (key === null) return unknown;
      if (!mayDo(operator, 'issueKey', key.holder.kind)) return refusalOf(operator);
      return changedAnswer(await desk.revokeKey(acting, key.id), unknown, showKey);
    },
  } satisfies Record<string, Answering>;
}

async function auditPage({ desk }: OperatorOptions, { query }: Asked): Promise<Answer> {
  const { limit, after } = query;
  const items: AuditLine[] = await desk.audit(
    typeof after === 'number' ? after : 0,
    typeof limit === 'number' ? limit : LIMITS.page,
  );
  return { status: 200, body: { items } };
}

function showParty({ suspendedAt, createdAt, ...party }: Party): object {
  return { ...party, suspendedAt: timeOf(suspendedAt), createdAt: timeOf(createdAt) };
}

function showNewParty(party: Party, key: string | null): object {
  return { ...showParty(party), key };
}

function showKey({ createdAt, expiresAt, lastUsedAt, revokedAt, ...key }: IssuedKey): object {
  return {
    ...key,
    createdAt: timeOf(createdAt),
    expiresAt: timeOf(expiresAt),
    lastUsedAt: timeOf(lastUsedAt),
    revokedAt: timeOf(revokedAt),
  };
}

function showNewKey(shown: IssuedKey, key: string | null): object {
  return { ...showKey(shown), key };
}
