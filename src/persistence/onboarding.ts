// Who joins the directory, and with which key. A key is told once, when it is made.

import { randomBytes } from 'node:crypto';
import type { ISql } from 'postgres';
import type { PolicySettings } from '../domain/bill/policies.ts';
import type { Mode, QrFormat } from '../domain/bill/vocabulary.ts';
import type { InstitutionId, MerchantId, PaychannelId, TerminalId } from '../domain/ids.ts';
import type { OperatorRole, Principal } from '../switch/principal.ts';
import { hashKey, readKeyHashes } from './key-hashes.ts';

export type OperatorId = string;

const KEY_BYTES = 24;
const ID_LENGTH = 12;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** What a key of each kind begins with, so that a person can tell keys apart, and a scanner of leaks knows them. */
const KEY_PREFIX: Readonly<Record<Principal['kind'] | 'signing', string>> = {
  terminal: 'qrs_term_',
  merchant: 'qrs_merc_',
  paychannel: 'qrs_payc_',
  operator: 'qrs_oper_',
  signing: 'qrs_sign_',
};

export async function addInstitution(
  sql: ISql,
  given: {
    name: string;
    qrFormat?: QrFormat;
    country?: string;
    sbpMember?: string;
    policies?: PolicySettings;
    mode?: Mode;
  },
): Promise<InstitutionId> {
  const id = makeId('ins') as InstitutionId;
  await sql`
    insert into institutions (id, name, qr_format, country, sbp_member, policies, mode)
    values (
      ${id}, ${given.name}, ${given.qrFormat ?? null}, ${given.country ?? null},
      ${given.sbpMember ?? null}, ${sql.json(given.policies ?? {})}, ${given.mode ?? 'live'}
    )`;
  return id;
}

export async function addMerchant(
  sql: ISql,
  given: {
    institutionId: InstitutionId;
    name: string;
    city: string;
    country?: string;
    category?: string;
    policies?: PolicySettings;
  },
): Promise<MerchantId> {
  const id = makeId('mer') as MerchantId;
  await sql`
    insert into merchants (id, institution_id, name, city, country, category, policies)
    values (
      ${id}, ${given.institutionId}, ${given.name}, ${given.city}, ${given.country ?? null},
      ${given.category ?? null}, ${sql.json(given.policies ?? {})}
    )`;
  return id;
}

export async function addTerminal(
  sql: ISql,
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
  sql: ISql,
  given: { institutionId: InstitutionId; name: string; subscribed?: boolean },
): Promise<PaychannelId> {
  const id = makeId('pay') as PaychannelId;
  await sql`
    insert into paychannels (id, institution_id, name, subscribed)
    values (${id}, ${given.institutionId}, ${given.name}, ${given.subscribed ?? false})`;
  return id;
}

export async function addOperator(
  sql: ISql,
  given: { institutionId: InstitutionId | null; name: string; role?: OperatorRole },
): Promise<OperatorId> {
  const id = makeId('opr');
  await sql`
    insert into operators (id, institution_id, name, role)
    values (${id}, ${given.institutionId}, ${given.name}, ${given.role ?? 'institutionAdmin'})`;
  return id;
}

/** Makes a key for its holder and returns it: nobody can tell it a second time. */
export async function addKey(
  sql: ISql,
  holder: { kind: Principal['kind']; id: string },
  peppers: readonly string[] = [],
): Promise<string> {
  const key = makeKey(holder.kind);
  const hashes = await readKeyHashes(sql, peppers);
  const column = sql(`${holder.kind}_id`);
  await sql`
    insert into keys (key_hash, layers, ${column})
    values (${hashes.stored(hashKey(key))}, ${hashes.layers}, ${holder.id})`;
  return key;
}

export function makeKey(kind: Principal['kind'] | 'signing'): string {
  return KEY_PREFIX[kind] + randomBytes(KEY_BYTES).toString('base64url');
}

/** A name of the directory: nothing of it can be guessed. */
export function makeId(
  prefix: 'ins' | 'mer' | 'ter' | 'pay' | 'opr' | 'key' | 'agr' | 'whk' | 'whs' | 'trf',
): string {
  let id = `${prefix}_`;
  for (const byte of randomBytes(ID_LENGTH)) id += ALPHABET.charAt(byte & 31);
  return id;
}
