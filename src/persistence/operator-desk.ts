// The operators' desk: the directory as operators see and change it, each change with its line of the audit.

import { readBack } from '../switch/failures.ts';
import type { LimitSettings } from '../switch/limits.ts';
import type {
  Acting,
  AgreementDesk,
  AuditLine,
  Changed,
  Holder,
  IssuedKey,
  KeyUse,
  LimitedKind,
  OperatorDesk,
  PageOf,
  Party,
  PartyFields,
  PartyKind,
  Scope,
} from '../switch/operator-desk.ts';
import type { CodedKind, CodeFields, PartyCodes } from '../switch/qr.ts';
import { PostgresAgreementDesk } from './agreement-desk.ts';
import { type Change, repeated, runOnce, type Told, told } from './audited.ts';
import { codeColumns, readCodes } from './code-settings.ts';
import type { DataKeys } from './data-keys.ts';
import { type DirectoryPlace, openDirectoryPool } from './directory-pool.ts';
import { hashKey, type KeyHashes, readKeyHashes } from './key-hashes.ts';
import { makeId, makeKey } from './onboarding.ts';
import {
  type Columns,
  columnsOf,
  KEY_COLUMNS,
  type KeyRow,
  keyOf,
  PARTY_COLUMNS,
  type PartyRow,
  PREFIXES,
  partyOf,
  TABLES,
} from './operator-rows.ts';
import type { PooledSql, PostgresPool } from './postgres-pool.ts';

const CONNECTIONS = 2;
type Shown<T> = T extends 'key' ? IssuedKey : Party;

export class PostgresOperatorDesk implements OperatorDesk {
  readonly #pool: PostgresPool;
  readonly #sql: PooledSql;
  readonly #peppers: readonly string[];
  readonly agreements: AgreementDesk;
  readonly #dataKeys: DataKeys;
  #hashes: KeyHashes | null = null;

  constructor(options: DirectoryPlace & { peppers?: readonly string[]; dataKeys: DataKeys }) {
    this.#pool = openDirectoryPool(options, {
      name: 'qrswitch operators',
      connectionsMax: CONNECTIONS,
    });
    this.#sql = this.#pool.sql;
    this.#peppers = options.peppers ?? [];
    this.agreements = new PostgresAgreementDesk(this.#sql);
    this.#dataKeys = options.dataKeys;
  }

  async find(scope: Scope, kind: PartyKind, id: string): Promise<Party | null> {
    const sql = this.#sql;
    const [row] = await sql<PartyRow[]>`
      select ${this.#sql(PARTY_COLUMNS)} from ${this.#parties()}
      where kind = ${kind} and id = ${id} and ${this.#within(scope)}`;
    return row === undefined ? null : partyOf(row);
  }

  async list(
    scope: Scope,
    kind: PartyKind,
    of: { institutionId: string | null; merchantId: string | null },
    { after, limit }: PageOf,
  ): Promise<Party[]> {
    const sql = this.#sql;
    const rows = await sql<PartyRow[]>`
      select ${this.#sql(PARTY_COLUMNS)} from ${this.#parties()}
      where kind = ${kind} and ${this.#within(scope)} and id > ${after ?? ''}
        ${of.institutionId === null ? sql`` : sql`and institution_id = ${of.institutionId}`}
        ${of.merchantId === null ? sql`` : sql`and merchant_id = ${of.merchantId}`}
      order by id limit ${limit}`;
    return rows.map(partyOf);
  }

  async add(
    acting: Acting,
    kind: PartyKind,
    fields: PartyFields,
    withKey: boolean,
  ): Promise<Changed<Party>> {
    const parent = await this.#parentOf(acting.scope, kind, fields);
    if (parent === undefined) return { is: 'unknown' };
    const id = makeId(PREFIXES[kind]);
    const sql = this.#sql;
    const made = withKey && kind !== 'institution' ? await this.#newKey({ kind, id }, 'key') : null;
    const { institutionId = null } = parent;
    const what = { action: `${kind}.added`, kind, id, institutionId, detail: fields };
    return this.#once(acting, kind, made?.key ?? null, () => {
      const row = { id, ...columnsOf(kind, fields) };
      const key = made === null ? sql`` : sql`, key as (insert into keys ${sql(made.row)})`;
      return sql`
        with made as (insert into ${sql(TABLES[kind])} ${sql(row)} returning id) ${key}
        select ${told(this.#sql, acting, what)} as no, id from made`;
    });
  }

  change(
    acting: Acting,
    kind: PartyKind,
    id: string,
    fields: PartyFields,
  ): Promise<Changed<Party>> {
    const of = { kind, id, action: `${kind}.changed`, detail: fields };
    return this.#alter(acting, of, columnsOf(kind, fields));
  }

  suspend(
    acting: Acting,
    kind: PartyKind,
    id: string,
    isSuspended: boolean,
  ): Promise<Changed<Party>> {
    const action = `${kind}.${isSuspended ? 'suspended' : 'resumed'}`;
    return this.#alter(
      acting,
      { kind, id, action, detail: {} },
      { suspended_at: isSuspended ? new Date() : null },
    );
  }

  async limits(scope: Scope, kind: LimitedKind, id: string): Promise<LimitSettings | null> {
    if ((await this.find(scope, kind, id)) === null) return null;
    const sql = this.#sql;
    const [row] = await sql<{ limits: LimitSettings }[]>`
      select limits from ${sql(TABLES[kind])} where id = ${id}`;
    return row?.limits ?? null;
  }

  limit(
    acting: Acting,
    kind: LimitedKind,
    id: string,
    limits: LimitSettings,
  ): Promise<Changed<Party>> {
    return this.#alter(acting, { kind, id, action: `${kind}.limited`, detail: limits }, { limits });
  }

  async codes(scope: Scope, kind: CodedKind, id: string): Promise<PartyCodes | null> {
    const party = await this.find(scope, kind, id);
    return party === null ? null : readCodes(this.#sql, kind, party);
  }

  changeCodes(
    acting: Acting,
    kind: CodedKind,
    id: string,
    fields: CodeFields,
  ): Promise<Changed<Party>> {
    const of = { kind, id, action: `${kind}.codesChanged`, detail: fields };
    return this.#alter(acting, of, codeColumns(fields));
  }

  async isRepeat(acting: Acting): Promise<boolean> {
    return (await repeated(this.#sql, acting)) !== null;
  }

  async findKey(scope: Scope, id: string): Promise<IssuedKey | null> {
    const [row] = await this.#sql<KeyRow[]>`
      select ${this.#sql(KEY_COLUMNS)} from ${this.#keys()}
      where id = ${id} and holder_kind in ${this.#sql(scope.holders)} and ${this.#within(scope)}`;
    return row === undefined ? null : keyOf(row);
  }

  async listKeys(
    scope: Scope,
    holderId: string | null,
    { after, limit }: PageOf,
  ): Promise<IssuedKey[]> {
    const sql = this.#sql;
    const rows = await sql<KeyRow[]>`
      select ${this.#sql(KEY_COLUMNS)} from ${this.#keys()}
      where ${this.#within(scope)} and holder_kind in ${sql(scope.holders)} and id > ${after ?? ''}
        ${holderId === null ? sql`` : sql`and holder_id = ${holderId}`}
      order by id limit ${limit}`;
    return rows.map(keyOf);
  }

  async addKey(
    acting: Acting,
    holder: Holder,
    of: { name: string; use: KeyUse; expiresAt: number | null },
  ): Promise<Changed<IssuedKey>> {
    const party = await this.find(acting.scope, holder.kind, holder.id);
    if (party === null) return { is: 'unknown' };
    const { key, row } = await this.#newKey(holder, of.use);
    const expiresAt = of.expiresAt === null ? null : new Date(of.expiresAt);
    const what: Told = {
      action: 'key.added',
      kind: 'key',
      id: row.id,
      institutionId: party.institutionId,
      detail: { holder, name: of.name, use: of.use, expiresAt },
    };
    const sql = this.#sql;
    return this.#once(acting, 'key', key, () => {
      const whole = { ...row, name: of.name, expires_at: expiresAt };
      return sql`
        with made as (insert into keys ${sql(whole)} returning id)
        select ${told(this.#sql, acting, what)} as no, id from made`;
    });
  }

  async revokeKey(acting: Acting, id: string): Promise<Changed<IssuedKey>> {
    const key = await this.findKey(acting.scope, id);
    if (key === null) return { is: 'unknown' };
    // Withdrawn already: nothing happens, and nothing is told.
    if (key.revokedAt !== null) return { is: 'done', shown: key, key: null };
    const holder = await this.find(acting.scope, key.holder.kind, key.holder.id);
    const institutionId = holder?.institutionId ?? null;
    const what = { action: 'key.revoked', kind: 'key', id, institutionId, detail: {} } as const;
    return this.#once(acting, 'key', null, () => {
      return this.#sql`
        with made as (
          update keys set revoked_at = coalesce(revoked_at, now()) where id = ${id} returning id
        )
        select ${told(this.#sql, acting, what)} as no, id from made`;
    });
  }

  async audit(after: number, limit: number): Promise<AuditLine[]> {
    const rows = await this.#sql<{ no: string; entry: string; hash: string }[]>`
      select no, entry, hash from audit where no > ${after} order by no limit ${limit}`;
    return rows.map(({ no, entry, hash }) => ({ no: Number(no), entry, hash }));
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #alter(
    acting: Acting,
    of: Pick<Told, 'action' | 'detail' | 'id'> & { kind: PartyKind },
    columns: Columns,
  ): Promise<Changed<Party>> {
    const { kind, id } = of;
    const party = await this.find(acting.scope, kind, id);
    if (party === null) return { is: 'unknown' };
    const what = { ...of, institutionId: party.institutionId };
    const sql = this.#sql;
    return this.#once(acting, kind, null, () => {
      return sql`
        with made as (update ${sql(TABLES[kind])} set ${sql(columns)} where id = ${id} returning id)
        select ${told(this.#sql, acting, what)} as no, id from made`;
    });
  }

  /** Runs a change unless its key says that it has been; shows what it was about. */
  async #once<T extends PartyKind | 'key'>(
    acting: Acting,
    kind: T,
    key: string | null,
    run: Change,
  ): Promise<Changed<Shown<T>>> {
    const done = await runOnce(this.#sql, acting, run);
    if (done === 'reused') return { is: 'reused' };
    const { scope } = acting;
    const found = await readBack<Party | IssuedKey | null>(
      kind === 'key' ? this.findKey(scope, done.id) : this.find(scope, kind as PartyKind, done.id),
    );
    if (found === null) return { is: 'unknown' };
    const shown = found as Shown<T>;
    return done.isFirst ? { is: 'done', shown, key } : { is: 'repeated', shown, key: null };
  }

  /** What a new party belongs to: undefined where that is not there, or not to be seen. */
  async #parentOf(
    scope: Scope,
    kind: PartyKind,
    { merchantId, institutionId }: PartyFields,
  ): Promise<Partial<Party> | undefined> {
    if (merchantId !== undefined) {
      const merchant = await this.find(scope, 'merchant', merchantId);
      // An operator is told both: they must belong together.
      const fits = institutionId === undefined || merchant?.institutionId === institutionId;
      return fits ? (merchant ?? undefined) : undefined;
    }
    if (institutionId !== undefined) {
      return (await this.find(scope, 'institution', institutionId)) ?? undefined;
    }
    return kind === 'institution' || kind === 'operator' ? {} : undefined;
  }

  async #newKey(
    holder: Holder,
    use: KeyUse,
  ): Promise<{ key: string; row: Record<string, string | number | null> & { id: string } }> {
    const key = makeKey(use === 'signing' ? use : holder.kind);
    this.#hashes ??= await readKeyHashes(this.#sql, this.#peppers);
    const { layers } = this.#hashes;
    const stored = this.#hashes.stored(hashKey(key));
    const id = makeId('key');
    const sealed = use === 'signing' ? this.#dataKeys.seal(key, id) : null;
    return { key, row: { id, key_hash: stored, layers, sealed, [`${holder.kind}_id`]: holder.id } };
  }

  #parties() {
    return this.#sql`directory_parties left join (
      select id as paychannel_id, signatures, to_json(certificates) as certificates from paychannels
    ) as of_paychannel on paychannel_id = id`;
  }

  #keys() {
    return this.#sql`directory_keys join (
      select id as key_id, case when sealed is null then 'key' else 'signing' end as use from keys
    ) as of_key on key_id = id`;
  }

  #within({ institutionId, merchantId, seesSystem }: Scope) {
    const sql = this.#sql;
    return sql`true
      ${institutionId === null ? sql`` : sql`and institution_id = ${institutionId}`}
      ${merchantId === null ? sql`` : sql`and merchant_id = ${merchantId}`}
      ${seesSystem ? sql`` : sql`and role is distinct from 'system'`}`;
  }
}
