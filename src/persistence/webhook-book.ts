// Webhooks as their sender reads and writes them, off the way of deliveries.

import type { Recipient } from '../domain/bill/vocabulary.ts';
import type {
  Endpoint,
  GivenUp,
  Letter,
  LetterId,
  ToldHealth,
  WebhookBook,
} from '../switch/webhooks/ports.ts';
import type { DataKeys } from './data-keys.ts';
import { type DirectoryPlace, openDirectoryPool } from './directory-pool.ts';
import type { PooledSql, PostgresPool } from './postgres-pool.ts';
import { type EndpointRow, endpointOf, isOneOf, type LetterRow, letterOf } from './webhook-rows.ts';

const CONNECTIONS = 2;
/** Dead letters that one statement makes. */
const BURIED_AT_ONCE = 1_000;
const TOO_LATE = 'not taken in its time';
/** Dead letters that one statement deletes. */
export const DISCARDED_AT_ONCE = 1_000;

interface GivenUpRow {
  readonly endpoint_id: string;
  readonly bill_id: GivenUp['billId'];
  readonly no: number;
}

export class PostgresWebhookBook implements WebhookBook {
  readonly #pool: PostgresPool;
  readonly #sql: PooledSql;
  readonly #dataKeys: DataKeys;

  constructor(options: DirectoryPlace & { dataKeys: DataKeys }) {
    this.#pool = openDirectoryPool(options, {
      name: 'qrswitch webhook sender',
      connectionsMax: CONNECTIONS,
    });
    this.#sql = this.#pool.sql;
    this.#dataKeys = options.dataKeys;
  }

  async endpoints(): Promise<Endpoint[]> {
    const rows = await this.#sql<EndpointRow[]>`
      select e.id, e.driver, e.url, e.settings, e.event_types, e.state,
        case when e.paychannel_id is null then 'terminal' else 'paychannel' end as holder_kind,
        (
          select json_agg(json_build_object('id', s.id, 'sealed', s.sealed) order by s.created_at desc, s.id)
          from webhook_secrets s
          where s.endpoint_id = e.id and (s.ends_at is null or s.ends_at > now())
        ) as secrets,
        coalesce(
          (
            select json_agg(json_build_object(
              'kind', 'terminal', 'id', t.id, 'institution_id', i.id, 'merchant_id', m.id, 'mode', i.mode
            ))
            from terminals t
            join merchants m on m.id = t.merchant_id
            join institutions i on i.id = m.institution_id
            where t.id = e.terminal_id or t.merchant_id = e.merchant_id
          ),
          (
            select json_agg(json_build_object(
              'kind', 'paychannel', 'id', p.id, 'institution_id', i.id, 'merchant_id', null, 'mode', i.mode
            ))
            from paychannels p
            join institutions i on i.id = p.institution_id
            where p.id = e.paychannel_id
          )
        ) as principals
      from webhook_endpoints e
      where e.removed_at is null
      order by e.id`;
    return rows.map((row) => endpointOf(row, this.#dataKeys));
  }

  async proven(id: string): Promise<void> {
    await this.#sql`
      update webhook_endpoints set state = 'active'
      where id = ${id} and state <> 'active' and removed_at is null`;
  }

  async disable(id: string): Promise<void> {
    await this.#sql`
      update webhook_endpoints set state = 'disabled' where id = ${id} and state = 'active'`;
  }

  async tellHealth(health: readonly ToldHealth[]): Promise<void> {
    if (health.length === 0) return;
    const rows = health.map((of) => ({
      endpoint_id: of.id,
      breaker: of.breaker,
      pending: of.pending,
      succeeded_at: dateOf(of.succeededAt),
      failed_at: dateOf(of.failedAt),
      failure: of.failure,
    }));
    await this.#sql`
      insert into webhook_health ${this.#sql(rows)}
      on conflict (endpoint_id) do update set
        breaker = excluded.breaker, pending = excluded.pending,
        failure = coalesce(excluded.failure, webhook_health.failure),
        succeeded_at = coalesce(excluded.succeeded_at, webhook_health.succeeded_at),
        failed_at = coalesce(excluded.failed_at, webhook_health.failed_at)`;
  }

  async keep(
    ids: readonly string[],
    state: 'dead' | 'owed',
    letters: readonly Letter[],
    { failure, isRepeat }: { readonly failure: string; readonly isRepeat: boolean },
  ): Promise<void> {
    const sql = this.#sql;
    const rows = letters.flatMap(({ billId, no, recipient, type, occurredAt }) =>
      ids.map((id) => ({
        endpoint_id: id,
        bill_id: billId,
        no,
        recipient,
        type,
        occurred_at: occurredAt,
        state,
        failure,
      })),
    );
    if (rows.length === 0) return;
    // One that has a failure and is owed was dead, and has been sent again.
    const isRepeatedEnd = state === 'dead' && isRepeat;
    const unlessResent = isRepeatedEnd
      ? sql`where webhook_letters.state = 'owed' and webhook_letters.failure = ''`
      : sql``;
    await sql`
      insert into webhook_letters ${sql(rows)}
      on conflict (endpoint_id, bill_id, no) do update set
        state = excluded.state, since = now(), failure = excluded.failure
      ${unlessResent}`;
  }

  async bury(recipients: readonly Recipient[], before: number): Promise<number> {
    const buried = await this.#sql`
      with holders as (
        select e.id, e.event_types, e.created_at, r.recipient
        from webhook_endpoints e
        left join terminals t on t.merchant_id = e.merchant_id
        cross join lateral (
          select case
            when e.paychannel_id is not null then 'paychannel:' || e.paychannel_id
            else 'terminal:' || coalesce(e.terminal_id, t.id)
          end as recipient
        ) r
        where e.state = 'active' and e.removed_at is null
          and r.recipient in ${this.#sql([...recipients])}
      )
      insert into webhook_letters (endpoint_id, bill_id, no, recipient, type, occurred_at, state, failure)
      select h.id, v.bill_id, v.no, h.recipient, v.type, v.occurred_at, 'dead', ${TOO_LATE}
      from holders h
      cross join lateral (
        select e.bill_id, e.no, e.type, e.occurred_at from events e
        where e.recipient = h.recipient and e.pending and e.occurred_at < ${before}
          and e.occurred_at >= extract(epoch from h.created_at) * 1000
          and (h.event_types is null or h.event_types @> to_jsonb(e.type))
          and not exists (
            select from webhook_letters l
            where l.endpoint_id = h.id and l.bill_id = e.bill_id and l.no = e.no
          )
        order by e.occurred_at, e.bill_id, e.no limit ${BURIED_AT_ONCE}
      ) v
      on conflict do nothing`;
    return buried.count;
  }

  async buryOwed(before: number): Promise<number> {
    const buried = await this.#sql`
      update webhook_letters l set state = 'dead', since = now(), failure = ${TOO_LATE}
      from (
        select old.endpoint_id, old.bill_id, old.no
        from webhook_endpoints e
        cross join lateral (
          select o.endpoint_id, o.bill_id, o.no from webhook_letters o
          where o.endpoint_id = e.id and o.state = 'owed' and o.occurred_at < ${before}
            and o.since < ${new Date(before)}
          order by o.occurred_at limit ${BURIED_AT_ONCE} for update skip locked
        ) old
        where e.state <> 'active' and e.removed_at is null
        limit ${BURIED_AT_ONCE}
      ) old
      where l.endpoint_id = old.endpoint_id and l.bill_id = old.bill_id and l.no = old.no`;
    return buried.count;
  }

  async discard(before: number): Promise<boolean> {
    const sql = this.#sql;
    // One stretch of the index for each state, whatever is to go of it.
    const discarded = await sql`
      delete from webhook_letters l using (
        select old.endpoint_id, old.bill_id, old.no
        from webhook_endpoints e
        cross join lateral (
          select d.endpoint_id, d.bill_id, d.no from webhook_letters d
          where d.endpoint_id = e.id
            and d.state = any(case when e.removed_at is null then array['dead'] else array['dead', 'owed'] end)
            and d.occurred_at < case when e.removed_at is null then ${before}::bigint else ${Number.MAX_SAFE_INTEGER} end
          limit ${DISCARDED_AT_ONCE} for update skip locked
        ) old
        limit ${DISCARDED_AT_ONCE}
      ) old
      where l.endpoint_id = old.endpoint_id and l.bill_id = old.bill_id and l.no = old.no`;
    return discarded.count === DISCARDED_AT_ONCE;
  }

  async owed(id: string, limit: number): Promise<{ letter: Letter; since: number }[]> {
    const rows = await this.#sql<LetterRow[]>`
      select bill_id, no, recipient, type, occurred_at, since, failure from webhook_letters
      where endpoint_id = ${id} and state = 'owed'
      order by occurred_at, bill_id, no limit ${limit}`;
    return rows.map((row) => ({ letter: letterOf(row), since: row.since.getTime() }));
  }

  async givenUp(ids: readonly string[], since: number, limit: number): Promise<GivenUp[]> {
    if (ids.length === 0) return [];
    const rows = await this.#sql<GivenUpRow[]>`
      select e.id as endpoint_id, l.bill_id, l.no
      from webhook_endpoints e
      cross join lateral (
        select bill_id, no from webhook_letters
        where endpoint_id = e.id and state = 'dead' and occurred_at >= ${since}
        order by occurred_at desc limit ${limit}
      ) l
      where e.id = any(string_to_array(${ids.join(' ')}, ' '))`;
    return rows.map(({ endpoint_id: endpointId, bill_id: billId, no }) => ({
      endpointId,
      billId,
      no,
    }));
  }

  async settle(id: string, letters: readonly LetterId[]): Promise<void> {
    if (letters.length === 0) return;
    await this.#sql`
      delete from webhook_letters where endpoint_id = ${id} and ${isOneOf(this.#sql, letters)}`;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

/** Whether there is any endpoint at all, or a letter of one that is to go. */
export async function hasWebhooks(place: DirectoryPlace): Promise<boolean> {
  const pool = openDirectoryPool(place, { name: 'qrswitch webhooks', connectionsMax: 1 });
  try {
    const rows = await pool.sql`
      select e.id from webhook_endpoints e
      where e.removed_at is null or exists (select from webhook_letters l where l.endpoint_id = e.id)
      limit 1`;
    return rows.length > 0;
  } finally {
    await pool.close();
  }
}

function dateOf(at: number | null): Date | null {
  return at === null ? null : new Date(at);
}
