// Webhooks between their tables and those who ask: the operators' desk and the sender.

import type { ISql } from 'postgres';
import { partId } from '../domain/ids.ts';
import type { Principal } from '../switch/principal.ts';
import type {
  DeadLetter,
  Endpoint,
  Letter,
  LetterId,
  Webhook,
  WebhookHolderKind,
  WebhookState,
} from '../switch/webhooks/ports.ts';
import type { DataKeys } from './data-keys.ts';

export interface WebhookRow {
  readonly id: string;
  readonly holder_kind: WebhookHolderKind;
  readonly holder_id: string;
  readonly driver: string;
  readonly url: string | null;
  readonly event_types: readonly string[] | null;
  readonly state: WebhookState;
  readonly created_at: Date;
  readonly breaker: string | null;
  readonly pending: number | null;
  readonly succeeded_at: Date | null;
  readonly failed_at: Date | null;
  readonly failure: string | null;
  readonly dead: string;
  readonly secrets: readonly SecretColumns[] | null;
}

interface SecretColumns {
  readonly id: string;
  readonly created_at: string;
  readonly ends_at: string | null;
}

export const WEBHOOK_COLUMNS = [
  'id',
  'holder_kind',
  'holder_id',
  'driver',
  'url',
  'event_types',
  'state',
  'created_at',
  'breaker',
  'pending',
  'succeeded_at',
  'failed_at',
  'failure',
  'dead',
  'secrets',
] as const satisfies readonly (keyof WebhookRow)[];

export function webhookOf(row: WebhookRow): Webhook {
  return {
    id: row.id,
    holder: { kind: row.holder_kind, id: row.holder_id },
    driver: row.driver,
    url: row.url,
    eventTypes: row.event_types,
    state: row.state,
    createdAt: row.created_at.getTime(),
    secrets: (row.secrets ?? []).map((secret) => ({
      id: secret.id,
      createdAt: Date.parse(secret.created_at),
      endsAt: secret.ends_at === null ? null : Date.parse(secret.ends_at),
    })),
    health: {
      breaker: row.breaker,
      pending: row.pending ?? 0,
      deadLetters: Number(row.dead),
      succeededAt: row.succeeded_at?.getTime() ?? null,
      failedAt: row.failed_at?.getTime() ?? null,
      failure: row.failure,
    },
  };
}

export interface LetterRow {
  readonly bill_id: Letter['billId'];
  readonly no: number;
  readonly recipient: Letter['recipient'];
  readonly type: Letter['type'];
  readonly occurred_at: string;
  readonly since: Date;
  readonly failure: string | null;
}

export function letterOf({ bill_id: billId, no, recipient, type, occurred_at }: LetterRow): Letter {
  return { billId, no, recipient, type, occurredAt: Number(occurred_at) };
}

export function deadLetterOf(row: LetterRow): DeadLetter {
  return {
    id: partId(row.bill_id, 'e', row.no),
    billId: row.bill_id,
    type: row.type,
    occurredAt: Number(row.occurred_at),
    since: row.since.getTime(),
    failure: row.failure,
  };
}

/** A condition on a letter's columns. */
export function isOneOf(sql: ISql, letters: readonly LetterId[]) {
  const ids = JSON.stringify(letters.map(({ billId: bill, no }) => ({ bill, no })));
  return sql`(bill_id, no) in (
    select named.bill, named.no from json_to_recordset(${ids}::text::json) as named(bill text, no integer)
  )`;
}

export interface EndpointRow extends SettingsColumns {
  readonly driver: string;
  readonly holder_kind: Endpoint['kind'];
  readonly event_types: readonly string[] | null;
  readonly state: WebhookState;
  readonly secrets: readonly { readonly id: string; readonly sealed: string }[] | null;
  readonly principals: readonly PrincipalColumns[] | null;
}

interface PrincipalColumns {
  readonly kind: 'terminal' | 'paychannel';
  readonly id: string;
  readonly institution_id: Principal['institutionId'];
  readonly merchant_id: Principal['merchantId'];
  readonly mode: 'live' | 'test';
}

export function endpointOf(row: EndpointRow, dataKeys: DataKeys): Endpoint {
  return {
    id: row.id,
    driver: row.driver,
    kind: row.holder_kind,
    settings: openSettings(dataKeys, row),
    eventTypes: row.event_types === null ? null : new Set(row.event_types),
    state: row.state,
    secrets: (row.secrets ?? []).map((secret) => openSecret(dataKeys, secret)),
    principals: (row.principals ?? []).map(principalOf),
  };
}

/** What an endpoint's way is told of it. */
export interface SettingsColumns {
  readonly id: string;
  readonly url: string | null;
  readonly settings: string | null;
}

/** A webhook's are its URL. */
export function openSettings(dataKeys: DataKeys, { id, url, settings }: SettingsColumns): unknown {
  if (settings === null) return { url };
  return JSON.parse(openSecret(dataKeys, { id, sealed: settings })) as unknown;
}

export function openSecret(
  dataKeys: DataKeys,
  { id, sealed }: { readonly id: string; readonly sealed: string },
): string {
  const secret = dataKeys.open(sealed, id);
  if (secret === null) throw new Error(`the secret ${id} is sealed under a key that is not there`);
  return secret;
}

/** Whoever acknowledges their own events begins nothing: the rest of a principal does not matter. */
function principalOf(columns: PrincipalColumns): Principal {
  return {
    kind: columns.kind,
    id: columns.id,
    institutionId: columns.institution_id,
    merchantId: columns.merchant_id,
    merchant: null,
    restricted: false,
    subscribed: false,
    ...(columns.mode === 'test' ? { mode: columns.mode } : {}),
  };
}
