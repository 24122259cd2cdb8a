// A bookkeeper who knows the tables but none of the switch's code: what does not add up in Postgres, in words.

import type { Sql } from 'postgres';
import { metric, type SwitchProcess } from './switch-process.ts';

/** Resolves once all that the log holds is in Postgres. */
export async function historyIsWhole(running: SwitchProcess): Promise<void> {
  await running.until(
    'through with writing history',
    async () => (await metric(running.baseUrl, 'qrswitch_transitions_unwritten')) === 0,
  );
}

/** One line a fault; empty where the books balance. */
export async function faultsInBooks(sql: Sql): Promise<string[]> {
  const found: string[] = [];
  for (const [what, query] of Object.entries(QUERIES)) {
    const rows = await sql.unsafe(query);
    if (rows.length > 0) found.push(`${what}: ${rows.length}, such as ${JSON.stringify(rows[0])}`);
  }
  return found;
}

const QUERIES: Readonly<Record<string, string>> = {
  'bills whose paid is not the sum of their payments': `
    select b.id, b.paid, p.total from bills b
    left join (
      select bill_id, sum(amount) as total from payments where status <> 'refused' group by 1
    ) p on p.bill_id = b.id
    where b.paid <> coalesce(p.total, 0)`,
  'bills whose reversed or refunded is not the sum of their credits': `
    select b.id, b.reversed, b.refunded, c.reversals, c.refunds from bills b
    left join (
      select bill_id,
        sum(amount) filter (where kind = 'reversal') as reversals,
        sum(amount) filter (where kind = 'refund') as refunds
      from credits where not is_tip and replaces is null group by 1
    ) c on c.bill_id = b.id
    where b.reversed <> coalesce(c.reversals, 0) or b.refunded <> coalesce(c.refunds, 0)`,
  'payments whose credited is not the sum of their credits': `
    select p.bill_id, p.no, p.credited, c.total from payments p
    left join (
      select bill_id, payment_no, sum(amount) as total from credits
      where not is_tip and replaces is null group by 1, 2
    ) c on c.bill_id = p.bill_id and c.payment_no = p.no
    where p.credited <> coalesce(c.total, 0) or p.credited > p.amount`,
  'bills whose unreturned is not the sum of the credits that wait for an operator': `
    select b.id, b.unreturned, c.total from bills b
    left join (
      select bill_id, sum(amount) as total from credits
      where status = 'rejected' and replaced_by is null and not is_tip group by 1
    ) c on c.bill_id = b.id
    where b.unreturned <> coalesce(c.total, 0)`,
  'credits requested again whose two ends do not tell of each other': `
    select c.bill_id, c.no, c.replaces, r.status, r.replaced_by from credits c
    left join credits r on r.bill_id = c.bill_id and r.no = c.replaces
    where c.replaces is not null and (r.replaced_by is distinct from c.no or r.status <> 'rejected'
      or r.amount <> c.amount or r.payment_no <> c.payment_no or r.kind <> c.kind)`,
  'bills that kept or gave back more or less than was paid': `
    select id, status, paid, confirmed, reversed, refunded from bills where
      (status in ('confirmed', 'refunded') and paid <> confirmed + reversed)
      or (type = 'dynamic' and status in ('cancelled', 'expired') and paid <> reversed)
      or (type = 'static' and confirmed + reversed > paid)
      or (type = 'dynamic' and status in ('open', 'partiallyPaid', 'paid') and confirmed > 0)
      or (status = 'refunded' and refunded <> confirmed)`,
  'bills that kept more than was due, or gave back less than was above it': `
    select b.id, b.status, b.amount, b.paid, b.reversed, p.excess from bills b
    left join (select bill_id, sum(excess) as excess from payments group by 1) p on p.bill_id = b.id
    where b.reversed < coalesce(p.excess, 0)
      or (b.type = 'dynamic' and b.paid - coalesce(p.excess, 0) > b.amount)
      or (b.type = 'dynamic' and b.status in ('open', 'partiallyPaid', 'paid')
        and b.reversed <> coalesce(p.excess, 0))`,
  'bills whose confirmed is not the sum of what was confirmed of their payments': `
    select b.id, b.confirmed, p.total from bills b
    left join (
      select p.bill_id, sum(p.amount - coalesce(c.reversed, 0)) as total from payments p
      left join (
        select bill_id, payment_no, sum(amount) as reversed from credits
        where kind = 'reversal' and not is_tip and replaces is null group by 1, 2
      ) c on c.bill_id = p.bill_id and c.payment_no = p.no
      where p.status in ('confirmed', 'refunded') group by 1
    ) p on p.bill_id = b.id
    where b.confirmed <> coalesce(p.total, 0)`,
  'payments whose tip went back other than whole and once, or before its bill or payment ended': `
    select p.bill_id, p.no, p.tip, p.tip_returned, c.total, c.credits from payments p
    join bills b on b.id = p.bill_id
    left join (
      select bill_id, payment_no, sum(amount) as total, count(*) as credits,
        bool_or(kind = 'refund') as is_refund
      from credits where is_tip and replaces is null group by 1, 2
    ) c on c.bill_id = p.bill_id and c.payment_no = p.no
    where coalesce(c.total, 0) <> case when p.tip_returned then p.tip else 0 end
      or c.credits > 1
      or (p.status in ('refused', 'accepted') and p.tip_returned)
      or (c.is_refund and b.type <> 'static' and b.status not in ('confirmed', 'refunded'))`,
  'tips that stayed with what was given back before its confirm': `
    select p.bill_id, p.no, p.tip from payments p join bills b on b.id = p.bill_id
    where p.tip > 0 and p.status = 'reversed' and not p.tip_returned
      and (b.status in ('cancelled', 'expired') or b.type = 'static' and b.status = 'open')`,
  'tips that are not what their report says': `
    select p.bill_id, sum(p.tip) from payments p
    left join tips t on t.bill_id = p.bill_id and t.payment_no = p.no
    where p.status <> 'refused' group by 1
    having sum(p.tip) <> coalesce(sum(t.paid), 0)
      or sum(case when p.tip_returned then p.tip else 0 end) <> coalesce(sum(t.returned), 0)
      or coalesce(sum(t.unreturned), 0) > coalesce(sum(t.returned), 0)`,
  'orders with other than one bill': `
    select terminal_id, order_id, count(*) from bills group by 1, 2 having count(*) <> 1`,
  'bills whose versions have gaps': `
    select b.id, b.version, t.versions, t.first, t.last from bills b
    left join (
      select bill_id, count(distinct version) as versions, min(version) as first,
        max(version) as last
      from transitions group by 1
    ) t on t.bill_id = b.id
    where t.first is distinct from 1 or t.last <> b.version or t.versions <> b.version`,
  'bills whose events have gaps': `
    select bill_id, count(*), max(no) from events group by 1 having count(*) <> max(no)`,
  'references taken twice': `
    select bill_id, paychannel_id, payment_ref, count(*) from payments
    group by 1, 2, 3 having count(*) > 1`,
  'paid bills whose terminal was never told': `
    select b.id from bills b where b.paid_at is not null
      and not (b.acquirer is not null and b.status in ('cancelled', 'expired')) and not exists (
      select 1 from events e where e.bill_id = b.id and e.type = 'bill.paid'
    )`,
  'static bills whose terminal was not told of each payment': `
    select b.id, p.payments, e.events from bills b
    left join (
      select bill_id, count(*) as payments from payments where status <> 'refused' group by 1
    ) p on p.bill_id = b.id
    left join (
      select bill_id, count(*) as events from events
      where type in ('bill.paid', 'payment.received') group by 1
    ) e on e.bill_id = b.id
    where b.type = 'static' and coalesce(p.payments, 0) <> coalesce(e.events, 0)`,
};
