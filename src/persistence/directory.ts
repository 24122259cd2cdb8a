// The directory: institutions, merchants, terminals, paychannels and operators, and whose key is whose. What
// remains of a key is told in key-hashes.ts.

import type { ISql } from 'postgres';
import type { PolicySettings } from '../domain/bill/policies.ts';
import type { Mode, QrFormat } from '../domain/bill/vocabulary.ts';
import type { InstitutionId, MerchantId } from '../domain/ids.ts';
import { millis } from '../domain/time.ts';
import type { Agreement } from '../switch/agreements.ts';
import type {
  Demands,
  Directory,
  DirectoryChange,
  KeyHolder,
  PayingWallets,
  WalletNames,
} from '../switch/directory.ts';
import type { LimitSettings } from '../switch/limits.ts';
import type { OperatorRole, Principal } from '../switch/principal.ts';
import type { Suspensions } from '../switch/sellers.ts';
import type { ToldTariff } from '../switch/tariffs.ts';
import { BY_INDEX } from './by-index.ts';
import type { DataKeys } from './data-keys.ts';
import { type DirectoryPlace, openDirectoryPool } from './directory-pool.ts';
import { type KeyHashes, readKeyHashes } from './key-hashes.ts';
import { KeyQuestions } from './key-questions.ts';
import { walletsPaying } from './paying-wallets.ts';
import type { PooledSql, PostgresPool } from './postgres-pool.ts';
import { changedTariffs, tariffPages } from './tariff-rows.ts';
import { unavailable } from './unavailable.ts';

const CONNECTIONS = 2;
/** Whoever waits behind a question that nobody answers is refused after their own, and that before HTTP gives them up. */
const KEY_MS = 4_000;

interface HolderColumns {
  readonly key_hash: string;
  readonly key_id: string;
  readonly expires_at: Date | null;
  readonly kind: Principal['kind'];
  readonly id: string;
  readonly institution_id: InstitutionId | null;
  readonly merchant_id: MerchantId | null;
  readonly name: string | null;
  readonly city: string | null;
  readonly restricted: boolean;
  readonly subscribed: boolean;
  readonly qr_format: QrFormat | null;
  readonly country: string | null;
  readonly category: string | null;
  readonly sbp_member: string | null;
  readonly policies: PolicySettings;
  readonly role: OperatorRole | null;
  readonly mode: Mode | null;
  readonly is_suspended: boolean;
  readonly institution_limits: LimitSettings;
  readonly holder_limits: LimitSettings;
  readonly certificates: readonly string[] | null;
  /** Of a paychannel whose requests must be signed. */
  readonly signing: readonly SealedSecret[] | null;
}

interface SealedSecret {
  readonly id: string;
  readonly sealed: string;
  /** Wall clock, ms. */
  readonly expiresAt: number | null;
}

export interface DirectoryOptions extends DirectoryPlace {
  /** Those that the operator has configured. */
  readonly peppers?: readonly string[];
  /** What signing secrets are sealed with. */
  readonly dataKeys?: DataKeys;
}

export class PostgresDirectory implements Directory, PayingWallets {
  readonly #pool: PostgresPool;
  readonly #sql: PooledSql;
  readonly #peppers: readonly string[];
  readonly #dataKeys: DataKeys | undefined;
  readonly #questions: KeyQuestions;
  #hashes: KeyHashes | null = null;

  constructor(options: DirectoryOptions) {
    this.#peppers = options.peppers ?? [];
    this.#dataKeys = options.dataKeys;
    this.#pool = openDirectoryPool(
      { timeoutMs: KEY_MS, ...options },
      { name: 'qrswitch directory', connectionsMax: CONNECTIONS, settings: BY_INDEX },
    );
    this.#sql = this.#pool.sql;
    this.#questions = new KeyQuestions((keyHashes) => this.#holdersOf(keyHashes), CONNECTIONS);
  }

  /** Thousands may be asked for at once, by a crowd that reconnects or a change of a whole institution. */
  holderOfKey(keyHash: string): Promise<KeyHolder | null> {
    return this.#questions.ask(keyHash);
  }

  async #holdersOf(keyHashes: readonly string[]): Promise<(KeyHolder | null)[]> {
    this.#hashes ??= await readKeyHashes(this.#sql, this.#peppers).catch(unavailable);
    const hashes = this.#hashes;
    const stored = keyHashes.map((keyHash) => hashes.stored(keyHash));
    // The questions alone: what we make of the answers is no matter of Postgres.
    const rows = await holderRows(this.#sql, stored).catch(unavailable);
    const found = new Map(rows.map((row) => [row.key_hash, holderIn(row, this.#dataKeys)]));
    return stored.map((hash) => found.get(hash) ?? null);
  }

  async keysUsed(keyIds: readonly string[]): Promise<void> {
    await this.#sql`
      update keys set last_used_at = now()
      where id in ${this.#sql([...keyIds])} and (last_used_at is null or last_used_at < now() - interval '30 s')`;
  }

  payingFor(institutionId: InstitutionId): Promise<WalletNames> {
    return walletsPaying(this.#sql, institutionId);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

/** By what is stored of each key, as far as they are good. */
async function holderRows(sql: ISql, stored: readonly string[]): Promise<HolderColumns[]> {
  return sql<HolderColumns[]>`
    select
      k.key_hash, k.id as key_id, k.expires_at,
      case
        when t.id is not null then 'terminal' when k.merchant_id is not null then 'merchant'
        when p.id is not null then 'paychannel' else 'operator'
      end as kind,
      coalesce(t.id, k.merchant_id, p.id, o.id) as id,
      i.id as institution_id, m.id as merchant_id, m.name, m.city,
      coalesce(t.restricted, false) as restricted,
      coalesce(p.subscribed, false) as subscribed,
      o.role, i.mode,
      coalesce(t.qr_format, i.qr_format) as qr_format,
      coalesce(m.country, i.country) as country,
      m.category, i.sbp_member,
      coalesce(i.policies, '{}') || coalesce(m.policies, '{}') as policies,
      coalesce(i.limits, '{}') as institution_limits,
      coalesce(t.limits, p.limits, '{}') as holder_limits,
      num_nonnulls(t.suspended_at, m.suspended_at, p.suspended_at, o.suspended_at, i.suspended_at) > 0
        as is_suspended,
      case when cardinality(p.certificates) > 0 then to_json(p.certificates) end as certificates,
      case when p.signatures = 'required' then (
        select coalesce(json_agg(json_build_object(
          'id', s.id, 'sealed', s.sealed, 'expiresAt', floor(extract(epoch from s.expires_at) * 1000)
        ) order by s.id), '[]')
        from keys s
        where s.paychannel_id = p.id and s.sealed is not null and s.revoked_at is null
          and (s.expires_at is null or s.expires_at > now())
      ) end as signing
    from keys k
    left join terminals t on t.id = k.terminal_id
    left join paychannels p on p.id = k.paychannel_id
    left join operators o on o.id = k.operator_id
    left join merchants m on m.id = coalesce(t.merchant_id, k.merchant_id, o.merchant_id)
    left join institutions i on i.id = coalesce(m.institution_id, p.institution_id, o.institution_id)
    where k.key_hash = any(string_to_array(${stored.join(' ')}, ' '))
      and k.sealed is null and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`;
}

function holderIn(row: HolderColumns, dataKeys: DataKeys | undefined): KeyHolder {
  const { kind, id, name, city, role, mode } = row;
  return {
    keyId: row.key_id,
    expiresAt: row.expires_at?.getTime() ?? null,
    principal: {
      kind,
      id,
      institutionId: row.institution_id ?? NO_INSTITUTION,
      merchantId: row.merchant_id,
      merchant: name === null || city === null ? null : { name, city },
      restricted: row.restricted,
      subscribed: row.subscribed,
      ...qrOf(row),
      ...policiesOf(row),
      ...(role === null ? {} : { role }),
      ...(mode === 'test' ? { mode } : {}),
      ...(row.is_suspended ? { suspended: true } : {}),
    },
    ...limitsOf(row),
    ...demandsOf(row, dataKeys),
  };
}

/** Of a system operator that belongs to none: no bill has it. */
const NO_INSTITUTION = '' as InstitutionId;

interface FeedRow {
  readonly top: string;
  readonly changes: readonly DirectoryChange[] | null;
}

/** What has changed in the directory, as its triggers tell. */
export class DirectoryFeed {
  readonly #pool: PostgresPool;
  readonly #sql: PooledSql;
  #seen: number | null = null;

  constructor(place: DirectoryPlace) {
    this.#pool = openDirectoryPool(place, { name: 'qrswitch directory feed', connectionsMax: 1 });
    this.#sql = this.#pool.sql;
  }

  /** What has changed since the last reading; null: not known, so everything may have. */
  async read(): Promise<readonly DirectoryChange[] | null> {
    const since = this.#seen ?? 0;
    const [row] = await this.#sql<FeedRow[]>`
      select
        (select coalesce(max(no), 0) from directory_changes) as top,
        (select json_agg(json_build_object('kind', kind, 'id', id)) from directory_changes where no > ${since})
          as changes`;
    const top = Number(row?.top ?? 0);
    const changes = row?.changes ?? [];
    const isWhole = this.#seen !== null && changes.length === top - since;
    this.#seen = top;
    return isWhole ? changes : null;
  }

  /** All agreements, ended ones too. */
  agreements(): Promise<Agreement[]> {
    return readAgreements(this.#sql);
  }

  /** All tariffs that have not ended, some at a time. */
  tariffs(): AsyncIterable<ToldTariff[]> {
    return tariffPages(this.#sql);
  }

  /** Tariffs of these ids, ended ones too. */
  tariffsOf(ids: readonly string[]): Promise<ToldTariff[]> {
    return changedTariffs(this.#sql, ids);
  }

  /** Which sellers are suspended: of those with these ids, or of all (null). */
  suspensions(ids: readonly string[] | null): Promise<Suspensions> {
    return readSuspensions(this.#sql, ids);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

/** All agreements, by a connection of its own. */
export function fetchAgreements(place: DirectoryPlace): Promise<Agreement[]> {
  return alone(place, 'qrswitch agreements', readAgreements);
}

/** All tariffs that have not ended, by a connection of its own. */
export function fetchTariffs(place: DirectoryPlace): Promise<ToldTariff[]> {
  return alone(place, 'qrswitch tariffs', async (sql) => {
    const all: ToldTariff[] = [];
    for await (const page of tariffPages(sql)) all.push(...page);
    return all;
  });
}

/** All sellers who are suspended, by a connection of its own. */
export function fetchSuspensions(place: DirectoryPlace): Promise<Suspensions> {
  return alone(place, 'qrswitch suspensions', (sql) => readSuspensions(sql, null));
}

async function alone<T>(
  place: DirectoryPlace,
  name: string,
  work: (sql: PooledSql) => Promise<T>,
): Promise<T> {
  const pool = openDirectoryPool(place, { name, connectionsMax: 1 });
  try {
    return await work(pool.sql);
  } finally {
    await pool.close();
  }
}

async function readSuspensions(sql: ISql, ids: readonly string[] | null): Promise<Suspensions> {
  const asked = JSON.stringify(ids ?? []);
  const ofAsked =
    ids === null ? sql`` : sql`and id in (select json_array_elements_text(${asked}::text::json))`;
  const rows = await sql<{ id: string }[]>`
    select id from institutions where suspended_at is not null ${ofAsked}
    union all select id from merchants where suspended_at is not null ${ofAsked}
    union all select id from terminals where suspended_at is not null ${ofAsked}`;
  const suspended = new Set(rows.map(({ id }) => id));
  const others = (ids ?? []).filter((id) => !suspended.has(id));
  return { isWhole: ids === null, suspended: [...suspended], others };
}

/** All agreements, ended ones too: whose bills the paychannels of an institution may pay, or might. */
async function readAgreements(sql: ISql): Promise<Agreement[]> {
  const rows = await sql<
    {
      billing_institution_id: string;
      paying_institution_id: string;
      since: Date;
      ended_at: Date | null;
    }[]
  >`select billing_institution_id, paying_institution_id, since, ended_at from agreements`;
  return rows.map((row) => ({
    billingInstitutionId: row.billing_institution_id,
    payingInstitutionId: row.paying_institution_id,
    since: millis(row.since.getTime()),
    endedAt: row.ended_at === null ? null : millis(row.ended_at.getTime()),
  }));
}

/** Nothing where nothing is set: a principal goes along with every request. */
function qrOf(row: HolderColumns): Pick<Principal, 'qr'> | undefined {
  const { qr_format: format, country, category, sbp_member: sbpMember } = row;
  if (row.kind !== 'terminal') return undefined;
  if ((format ?? country ?? category ?? sbpMember) === null) return undefined;
  return { qr: { format: format ?? 'url', country, category, sbpMember } };
}

function limitsOf({
  holder_limits: holder,
  institution_limits: institution,
}: HolderColumns): Pick<KeyHolder, 'limits'> {
  const isSet = Object.keys({ ...holder, ...institution }).length > 0;
  return isSet ? { limits: { holder, institution } } : {};
}

/** Nothing of nearly everybody. A secret that cannot be opened here is none: what it signed is refused. */
function demandsOf(
  { signing, certificates }: HolderColumns,
  dataKeys: DataKeys | undefined,
): Pick<KeyHolder, 'demands'> | undefined {
  if (signing === null && certificates === null) return undefined;
  const secrets = signing?.flatMap(({ id, sealed, expiresAt }) => {
    const secret = dataKeys?.open(sealed, id) ?? null;
    return secret === null ? [] : [{ id, secret, expiresAt }];
  });
  const demands: Demands = { secrets: secrets ?? null, certificates };
  return { demands };
}

function policiesOf({ kind, policies }: HolderColumns): Pick<Principal, 'policies'> | undefined {
  if (kind !== 'terminal' || Object.keys(policies).length === 0) return undefined;
  return { policies };
}
