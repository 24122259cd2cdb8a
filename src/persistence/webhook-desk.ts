// Webhooks as operators see and change them.

import { readBack } from '../switch/failures.ts';
import type { Acting, Changed, PageOf, Scope } from '../switch/operator-desk.ts';
import type {
  DeadLetter,
  LetterId,
  Webhook,
  WebhookDesk,
  WebhookHolderKind,
} from '../switch/webhooks/ports.ts';
import { type Receiver, WEBHOOK } from '../switch/webhooks/ways.ts';
import { type Change, runOnce, type Told, told } from './audited.ts';
import type { DataKeys } from './data-keys.ts';
import { type DirectoryPlace, openDirectoryPool } from './directory-pool.ts';
import { makeId } from './onboarding.ts';
import type { PooledSql, PostgresPool } from './postgres-pool.ts';
import {
  deadLetterOf,
  isOneOf,
  type LetterRow,
  openSecret,
  openSettings,
  type SettingsColumns,
  WEBHOOK_COLUMNS,
  type WebhookRow,
  webhookOf,
} from './webhook-rows.ts';

const CONNECTIONS = 1;

interface SealedSecret {
  readonly id: string;
  readonly sealed: string;
}

export class PostgresWebhookDesk implements WebhookDesk {
  readonly #pool: PostgresPool;
  readonly #sql: PooledSql;
  readonly #dataKeys: DataKeys;
  readonly #makeSecret: () => string;

  constructor(options: DirectoryPlace & { dataKeys: DataKeys; makeSecret: () => string }) {
    this.#pool = openDirectoryPool(options, {
      name: 'qrswitch webhooks',
      connectionsMax: CONNECTIONS,
    });
    this.#sql = this.#pool.sql;
    this.#dataKeys = options.dataKeys;
    this.#makeSecret = options.makeSecret;
  }

  async find(scope: Scope, id: string): Promise<Webhook | null> {
    const [row] = await this.#sql<WebhookRow[]>`
      select ${this.#sql(WEBHOOK_COLUMNS)} from directory_webhooks
      where id = ${id} and ${this.#within(scope)}`;
    return row === undefined ? null : webhookOf(row);
  }

  async list(scope: Scope, holderId: string | null, { after, limit }: PageOf): Promise<Webhook[]> {
    const sql = this.#sql;
    const rows = await sql<WebhookRow[]>`
      select ${sql(WEBHOOK_COLUMNS)} from directory_webhooks
      where ${this.#within(scope)} and id > ${after ?? ''}
        ${holderId === null ? sql`` : sql`and holder_id = ${holderId}`}
      order by id limit ${limit}`;
    return rows.map(webhookOf);
  }

  async add(acting: Acting, of: Parameters<WebhookDesk['add']>[1]): Promise<Changed<Webhook>> {
    const holder = await this.#holder(acting.scope, of.holderId);
    if (holder === null) return { is: 'unknown' };
    const id = makeId('whk');
    const secret = this.#newSecret();
    const { driver, settings, eventTypes } = of;
    const sql = this.#sql;
    const url = driver === WEBHOOK ? (settings as { readonly url: string }).url : null;
    const row = {
      id,
      [`${holder.kind}_id`]: of.holderId,
      driver,
      url,
      settings: url === null ? this.#dataKeys.seal(JSON.stringify(settings), id) : null,
      event_types: eventTypes === null ? null : sql.json([...eventTypes]),
    };
    // A URL may carry a secret of its holder's: the audit is told where it leads, not the whole of it.
    const host = url === null ? null : new URL(url).host;
    const detail = { holder: of.holderId, driver, host, eventTypes };
    const what = this.#what('webhook.added', id, holder.institution_id, detail);
    return this.#once(acting, secret.text, () => {
      return sql`
        with made as (insert into webhook_endpoints ${sql(row)} returning id),
          secret as (
            insert into webhook_secrets (id, endpoint_id, sealed)
            select ${secret.id}, id, ${secret.sealed} from made
          )
        select ${told(sql, acting, what)} as no, id from made`;
    });
  }

  async rotate(acting: Acting, id: string, overlapMs: number): Promise<Changed<Webhook>> {
    const institutionId = await this.#institutionOf(acting.scope, id);
    if (institutionId === undefined) return { is: 'unknown' };
    const secret = this.#newSecret();
    const what = this.#what('webhook.rotated', id, institutionId, { overlapMs });
    const sql = this.#sql;
    return this.#once(acting, secret.text, () => {
      return sql`
        with made as (
          insert into webhook_secrets (id, endpoint_id, sealed)
          values (${secret.id}, ${id}, ${secret.sealed}) returning endpoint_id as id
        ), ended as (
          update webhook_secrets
          set ends_at = least(ends_at, now() + make_interval(secs => ${overlapMs / 1_000}))
          where endpoint_id = ${id}
        )
        select ${told(sql, acting, what)} as no, id from made`;
    });
  }

  async remove(acting: Acting, id: string): Promise<Changed<Webhook>> {
    const webhook = await this.find(acting.scope, id);
    const institutionId = await this.#institutionOf(acting.scope, id);
    if (webhook === null || institutionId === undefined) return { is: 'unknown' };
    const what = this.#what('webhook.removed', id, institutionId, {});
    const sql = this.#sql;
    const done = await runOnce(sql, acting, () => {
      return sql`
        with made as (
          update webhook_endpoints set removed_at = coalesce(removed_at, now())
          where id = ${id} returning id
        ), secrets as (delete from webhook_secrets where endpoint_id = ${id})
        select ${told(sql, acting, what)} as no, id from made`;
    });
    return done === 'reused' ? { is: 'reused' } : { is: 'done', shown: webhook, key: null };
  }

  async deadLetters(id: string, { after, limit }: PageOf): Promise<DeadLetter[]> {
    const sql = this.#sql;
    const [billId = '', no = '0'] = (after ?? '').split('-e');
    const rows = await sql<LetterRow[]>`
      select bill_id, no, recipient, type, occurred_at, since, failure from webhook_letters
      where endpoint_id = ${id} and state = 'dead' and (bill_id, no) > (${billId}, ${Number(no)})
      order by bill_id, no limit ${limit}`;
    return rows.map(deadLetterOf);
  }

  async resend(
    acting: Acting,
    id: string,
    events: readonly LetterId[] | null,
  ): Promise<Changed<Webhook>> {
    const institutionId = await this.#institutionOf(acting.scope, id);
    if (institutionId === undefined) return { is: 'unknown' };
    const what = this.#what('webhook.resent', id, institutionId, { events: events ?? 'all' });
    const sql = this.#sql;
    const those = events === null ? sql`` : sql`and ${isOneOf(sql, events)}`;
    return this.#once(acting, null, () => {
      return sql`
        with owed as (
          update webhook_letters set state = 'owed', since = now()
          where endpoint_id = ${id} and state = 'dead' ${those}
        ), made as (
          update webhook_endpoints set asked_at = now() where id = ${id} returning id
        )
        select ${told(sql, acting, what)} as no, id from made`;
    });
  }

  async holderKind(scope: Scope, id: string): Promise<WebhookHolderKind | null> {
    return (await this.#holder(scope, id))?.kind ?? null;
  }

  async receiverOf(id: string): Promise<Receiver | null> {
    const [row] = await this.#sql<(SettingsColumns & { secrets: SealedSecret[] | null })[]>`
      select e.id, e.url, e.settings, (
        select json_agg(json_build_object('id', s.id, 'sealed', s.sealed) order by s.created_at desc, s.id)
        from webhook_secrets s
        where s.endpoint_id = e.id and (s.ends_at is null or s.ends_at > now())
      ) as secrets
      from webhook_endpoints e where e.id = ${id} and e.removed_at is null`;
    if (row === undefined) return null;
    const secrets = (row.secrets ?? []).map((secret) => openSecret(this.#dataKeys, secret));
    return { endpointId: id, settings: openSettings(this.#dataKeys, row), secrets };
  }

  async proven(acting: Acting, id: string): Promise<void> {
    const institutionId = await this.#institutionOf(acting.scope, id);
    if (institutionId === undefined) return;
    const sql = this.#sql;
    await sql`
      with made as (
        update webhook_endpoints set state = 'active'
        where id = ${id} and state <> 'active' and removed_at is null returning id
      )
      select ${told(sql, acting, this.#what('webhook.proven', id, institutionId, {}))} from made`;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #once(acting: Acting, secret: string | null, run: Change): Promise<Changed<Webhook>> {
    const done = await runOnce(this.#sql, acting, run);
    if (done === 'reused') return { is: 'reused' };
    const shown = await readBack(this.find(acting.scope, done.id));
    if (shown === null) return { is: 'unknown' };
    return done.isFirst ? { is: 'done', shown, key: secret } : { is: 'repeated', shown, key: null };
  }

  async #holder(
    scope: Scope,
    id: string,
  ): Promise<{ kind: WebhookHolderKind; institution_id: string } | null> {
    const [row] = await this.#sql<{ kind: WebhookHolderKind; institution_id: string }[]>`
      select kind, institution_id from directory_parties
      where id = ${id} and kind in ('terminal', 'merchant', 'paychannel')
        and ${this.#within(scope)}`;
    return row ?? null;
  }

  /** Undefined where it is not there, or not to be seen. */
  async #institutionOf(scope: Scope, id: string): Promise<string | undefined> {
    const [row] = await this.#sql<{ institution_id: string }[]>`
      select institution_id from directory_webhooks where id = ${id} and ${this.#within(scope)}`;
    return row?.institution_id;
  }

  #newSecret(): { id: string; text: string; sealed: string } {
    const id = makeId('whs');
    const text = this.#makeSecret();
    return { id, text, sealed: this.#dataKeys.seal(text, id) };
  }

  #what(action: string, id: string, institutionId: string, detail: object): Told {
    return { action, kind: 'webhook', id, institutionId, detail };
  }

  #within({ institutionId, merchantId }: Scope) {
    const sql = this.#sql;
    return sql`true
      ${institutionId === null ? sql`` : sql`and institution_id = ${institutionId}`}
      ${merchantId === null ? sql`` : sql`and merchant_id = ${merchantId}`}`;
  }
}
