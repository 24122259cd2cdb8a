// In which wallets the bills of an institution can be paid: its paychannels, and by agreement those of others.

import type { ISql } from 'postgres';
import type { InstitutionId } from '../domain/ids.ts';
import type { WalletNames } from '../switch/directory.ts';

/** What a page has room for. */
const NAMES_MAX = 30;

/** An agreement is between two of one mode, so that test and live do not meet here either. */
export async function walletsPaying(sql: ISql, institutionId: InstitutionId): Promise<WalletNames> {
  const rows = await sql<{ name: string }[]>`
    select distinct p.name
    from paychannels p
    join institutions i on i.id = p.institution_id
    where p.suspended_at is null and i.suspended_at is null
      and (
        i.id = ${institutionId}
        or i.id in (
          select a.paying_institution_id from agreements a
          where a.billing_institution_id = ${institutionId} and a.since <= now() and a.ended_at is null
        )
      )
      and exists (
        select from keys k
        where k.paychannel_id = p.id and k.sealed is null and k.revoked_at is null
          and (k.expires_at is null or k.expires_at > now())
      )
    order by p.name
    limit ${NAMES_MAX + 1}`;
  const names = rows.map(({ name }) => name);
  return { names: names.slice(0, NAMES_MAX), isMore: names.length > NAMES_MAX };
}
