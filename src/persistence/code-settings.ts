// What the codes of a party are made of: what is set of it, and what is in force for it.

import type { ISql } from 'postgres';
import type { QrFormat } from '../domain/bill/vocabulary.ts';
import type { Party } from '../switch/operator-desk.ts';
import type { CodedKind, CodeFields, PartyCodes } from '../switch/qr.ts';
import type { Columns } from './operator-rows.ts';

const COLUMNS: Readonly<Record<keyof CodeFields, string>> = {
  format: 'qr_format',
  country: 'country',
  category: 'category',
  sbpMember: 'sbp_member',
};

/** Those that are named; null takes one away. */
export function codeColumns(fields: CodeFields): Columns {
  const named = Object.entries(fields) as [keyof CodeFields, string | null][];
  return Object.fromEntries(named.map(([field, value]) => [COLUMNS[field], value]));
}

interface CodesRow {
  readonly institution_format: QrFormat | null;
  readonly institution_country: string | null;
  readonly sbp_member: string | null;
  readonly merchant_country: string | null;
  readonly category: string | null;
  readonly terminal_format: QrFormat | null;
}

/** The same order as that in which the directory tells terminals (directory.ts). */
export async function readCodes(
  sql: ISql,
  kind: CodedKind,
  { id, institutionId, merchantId }: Party,
): Promise<PartyCodes | null> {
  const [row] = await sql<CodesRow[]>`
    select i.qr_format as institution_format, i.country as institution_country, i.sbp_member,
      m.country as merchant_country, m.category, t.qr_format as terminal_format
    from institutions i
    left join merchants m on m.id = ${merchantId}
    left join terminals t on t.id = ${id}
    where i.id = ${institutionId}`;
  if (row === undefined) return null;
  return {
    set: setOf(kind, row),
    inForce: {
      format: row.terminal_format ?? row.institution_format ?? 'url',
      country: row.merchant_country ?? row.institution_country,
      category: row.category,
      sbpMember: row.sbp_member,
    },
  };
}

function setOf(kind: CodedKind, row: CodesRow): CodeFields {
  const { institution_format: format, institution_country: country, sbp_member: sbpMember } = row;
  if (kind === 'institution') return { format, country, sbpMember };
  if (kind === 'terminal') return { format: row.terminal_format };
  return { country: row.merchant_country, category: row.category };
}
