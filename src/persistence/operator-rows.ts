// Parties and keys between the operators' desk and the tables of the directory.

import type { PolicySettings } from '../domain/bill/policies.ts';
import type { Mode } from '../domain/bill/vocabulary.ts';
import type { LimitSettings } from '../switch/limits.ts';
import type {
  Holder,
  IssuedKey,
  KeyUse,
  Party,
  PartyFields,
  PartyKind,
  Signatures,
} from '../switch/operator-desk.ts';
import type { OperatorRole } from '../switch/principal.ts';

export const TABLES: Readonly<Record<PartyKind, string>> = {
  institution: 'institutions',
  merchant: 'merchants',
  terminal: 'terminals',
  paychannel: 'paychannels',
  operator: 'operators',
};
export const PREFIXES = {
  institution: 'ins',
  merchant: 'mer',
  terminal: 'ter',
  paychannel: 'pay',
  operator: 'opr',
} as const;

export interface PartyRow {
  readonly kind: PartyKind;
  readonly id: string;
  readonly institution_id: string | null;
  readonly merchant_id: string | null;
  readonly name: string;
  readonly city: string | null;
  readonly restricted: boolean;
  readonly subscribed: boolean;
  readonly role: OperatorRole | null;
  readonly policies: PolicySettings | null;
  readonly mode: Mode | null;
  readonly signatures: Signatures | null;
  readonly certificates: readonly string[] | null;
  readonly suspended_at: Date | null;
  readonly created_at: Date;
}

export interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly use: KeyUse;
  readonly holder_kind: Holder['kind'];
  readonly holder_id: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
}

export const PARTY_COLUMNS = [
  'kind',
  'id',
  'institution_id',
  'merchant_id',
  'name',
  'city',
  'restricted',
  'subscribed',
  'role',
  'policies',
  'mode',
  'signatures',
  'certificates',
  'suspended_at',
  'created_at',
] as const satisfies readonly (keyof PartyRow)[];
export const KEY_COLUMNS = [
  'id',
  'name',
  'use',
  'holder_kind',
  'holder_id',
  'created_at',
  'expires_at',
  'last_used_at',
  'revoked_at',
] as const satisfies readonly (keyof KeyRow)[];

export type Columns = Record<
  string,
  string | boolean | Date | null | PolicySettings | LimitSettings
>;

export function columnsOf(kind: PartyKind, fields: PartyFields): Columns {
  const { name, city, restricted, subscribed, signatures, role, policies, mode } = fields;
  const { certificates, institutionId, merchantId } = fields;
  const isOfMerchant = kind === 'terminal';
  const columns = {
    name,
    city,
    restricted,
    subscribed,
    signatures,
    certificates: certificates && `{${certificates.join(',')}}`,
    role,
    policies,
    mode,
    institution_id: isOfMerchant ? undefined : institutionId,
    merchant_id: merchantId,
  };
  return Object.fromEntries(
    Object.entries(columns).flatMap(([column, value]) =>
      value === undefined ? [] : [[column, value]],
    ),
  );
}

export function partyOf(row: PartyRow): Party {
  return {
    kind: row.kind,
    id: row.id,
    institutionId: row.institution_id,
    merchantId: row.merchant_id,
    name: row.name,
    city: row.city,
    restricted: row.restricted,
    subscribed: row.subscribed,
    role: row.role,
    policies: row.policies,
    mode: row.mode,
    signatures: row.signatures,
    certificates: row.certificates,
    suspendedAt: row.suspended_at?.getTime() ?? null,
    createdAt: row.created_at.getTime(),
  };
}

export function keyOf(row: KeyRow): IssuedKey {
  return {
    id: row.id,
    name: row.name,
    use: row.use,
    holder: { kind: row.holder_kind, id: row.holder_id },
    createdAt: row.created_at.getTime(),
    expiresAt: row.expires_at?.getTime() ?? null,
    lastUsedAt: row.last_used_at?.getTime() ?? null,
    revokedAt: row.revoked_at?.getTime() ?? null,
  };
}
