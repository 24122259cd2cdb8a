// The directory: institutions, merchants, terminals, paychannels and operators, and whose key is whose. A key is told
// once, when it is made; here remains its SHA-256, which needs no salt, since a key is 192 random bits.

import { createHash, randomBytes } from 'node:crypto';
import postgres, { type Sql } from 'postgres';
import type { QrFormat } from '../domain/bill/vocabulary.ts';
import type { InstitutionId, MerchantId, PaychannelId, TerminalId } from '../domain/ids.ts';
import { Fault } from '../switch/faults.ts';
import type { Directory, Principal } from '../switch/ports.ts';

export type OperatorId = string;

const KEY_BYTES = 24;
const ID_LENGTH = 12;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const CONNECTIONS = 2;
const CONNECT_TIMEOUT_S = 5;
const CLOSE_S = 5;

/** What a key of each kind begins with, so that a person can tell keys apart, and a scanner of leaks knows them. */
const KEY_PREFIX: Readonly<Record<Principal['kind'], string>> = {
  terminal: 'qrs_term_',
  merchant: 'qrs_merc_',
  paychannel: 'qrs_payc_',
  operator: 'qrs_oper_',
};

/** SHA-256 of a key, base64url: how the directory knows it. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

interface PrincipalColumns {
  readonly kind: Principal['kind'];
  readonly id: string;
  readonly institution_id: InstitutionId;
  readonly merchant_id: MerchantId | null;
  readonly name: string | null;
  readonly city: string | null;
  readonly restricted: boolean;
  readonly subscribed: boolean;
  readonly qr_format: QrFormat | null;
  readonly country: string | null;
  readonly category: string | null;
  readonly sbp_member: string | null;
}

export class PostgresDirectory implements Directory {
  readonly #sql: Sql;

  constructor(options: { url: string }) {
    this.#sql = postgres(options.url, {
      max: CONNECTIONS,
      connect_timeout: CONNECT_TIMEOUT_S,
      backoff: () => 0.25,
      fetch_types: false,
      onnotice: () => undefined,
      connection: { application_name: 'qrswitch directory', statement_timeout: 5_000 },
    });
  }

  async principalOfKey(keyHash: string): Promise<Principal | null> {
    let row: PrincipalColumns | undefined;
    try {
      [row] = await this.#sql<PrincipalColumns[]>`
        select
          case
            when t.id is not null then 'terminal' when k.merchant_id is not null then 'merchant'
            when p.id is not null then 'paychannel' else 'operator'
          end as kind,
          coalesce(t.id, k.merchant_id, p.id, o.id) as id,
          coalesce(m.institution_id, p.institution_id, o.institution_id) as institution_id,
          m.id as merchant_id, m.name, m.city,
          coalesce(t.restricted, false) as restricted,
          coalesce(p.subscribed, false) as subscribed,
          coalesce(t.qr_format, i.qr_format) as qr_format,
          coalesce(m.country, i.country) as country,
          m.category, i.sbp_member
        from keys k
        left join terminals t on t.id = k.terminal_id
        left join merchants m on m.id = coalesce(t.merchant_id, k.merchant_id)
        left join institutions i on i.id = m.institution_id and t.id is not null
        left join paychannels p on p.id = k.paychannel_id
        left join operators o on o.id = k.operator_id
        where k.key_hash = ${keyHash} and k.revoked_at is null`;
    } catch (error) {
      throw new Fault('history.unavailable', 'the directory cannot be asked', error);
    }
    if (row === undefined) return null;
    const { kind, id, name, city } = row;
    return {
      kind,
      id,
      institutionId: row.institution_id,
      merchantId: row.merchant_id,
      merchant: name === null || city === null ? null : { name, city },
      restricted: row.restricted,
      subscribed: row.subscribed,
      ...qrOf(row),
    };
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: CLOSE_S });
  }
}

/** Nothing where nothing is set: a principal goes along with every request. */
function qrOf(row: PrincipalColumns): Pick<Principal, 'qr'> | undefined {
  const { qr_format: format, country, category, sbp_member: sbpMember } = row;
  if (row.kind !== 'terminal') return undefined;
  if ((format ?? country ?? category ?? sbpMember) === null) return undefined;
  return { qr: { format: format ?? 'url', country, category, sbpMember } };
}

// ------------------------------------------------------------------------------------------------------ onboarding --

export async function addInstitution(
  sql: Sql,
  given: { name: string; qrFormat?: QrFormat; country?: string; sbpMember?: string },
): Promise<InstitutionId> {
  const id = makeId('ins') as InstitutionId;
  await sql`
    insert into institutions (id, name, qr_format, country, sbp_member)
    values (
      ${id}, ${given.name}, ${given.qrFormat ?? null}, ${given.country ?? null},
      ${given.sbpMember ?? null}
    )`;
  return id;
}

export async function addMerchant(
  sql: Sql,
  given: {
    institutionId: InstitutionId;
    name: string;
    city: string;
    country?: string;
    category?: string;
  },
): Promise<MerchantId> {
  const id = makeId('mer') as MerchantId;
  await sql`
    insert into merchants (id, institution_id, name, city, country, category)
    values (
      ${id}, ${given.institutionId}, ${given.name}, ${given.city}, ${given.country ?? null},
      ${given.category ?? null}
    )`;
  return id;
}

export async function addTerminal(
  sql: Sql,
  given: { merchantId: MerchantId; name: string; restricted?: boolean; qrFormat?: QrFormat },
): Promise<TerminalId> {
  const id = makeId('ter') as TerminalId;
  await sql`
    insert into terminals (id, merchant_id, name, restricted, qr_format)
    values (
      ${id}, ${given.merchantId}, ${given.name}, ${given.restricted ?? false},
      ${given.qrFormat ?? null}
    )`;
  return id;
}

export async function addPaychannel(
  sql: Sql,
  given: { institutionId: InstitutionId; name: string; subscribed?: boolean },
): Promise<PaychannelId> {
  const id = makeId('pay') as PaychannelId;
  await sql`
    insert into paychannels (id, institution_id, name, subscribed)
    values (${id}, ${given.institutionId}, ${given.name}, ${given.subscribed ?? false})`;
  return id;
}

export async function addOperator(
  sql: Sql,
  given: { institutionId: InstitutionId; name: string },
): Promise<OperatorId> {
  const id = makeId('opr');
  await sql`
    insert into operators (id, institution_id, name)
    values (${id}, ${given.institutionId}, ${given.name})`;
  return id;
}

/** Makes a key for its holder and returns it: nobody can tell it a second time. */
export async function addKey(
  sql: Sql,
  holder: { kind: Principal['kind']; id: string },
): Promise<string> {
  const key = KEY_PREFIX[holder.kind] + randomBytes(KEY_BYTES).toString('base64url');
  const column = sql(`${holder.kind}_id`);
  await sql`insert into keys (key_hash, ${column}) values (${hashKey(key)}, ${holder.id})`;
  return key;
}

/** From now on the key is nobody's. False where it was not in use. */
export async function revokeKey(sql: Sql, keyHash: string): Promise<boolean> {
  const revoked = await sql`
    update keys set revoked_at = now() where key_hash = ${keyHash} and revoked_at is null`;
  return revoked.count === 1;
}

function makeId(prefix: string): string {
  let id = `${prefix}_`;
  for (const byte of randomBytes(ID_LENGTH)) id += ALPHABET.charAt(byte & 31);
  return id;
}
