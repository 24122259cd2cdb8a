-- A tip that a wallet rejected may be asked for again by another credit: still one row a tip, and unreturned only while
-- nobody has dealt with it. Who reads it sees the bills that are theirs to see, and no others.

create or replace view tips with (security_invoker = true) as
select
  b.institution_id, b.merchant_id, b.terminal_id, p.bill_id, b.order_id, p.no as payment_no, p.paychannel_id,
  p.payment_ref, b.currency, p.tip as paid,
  case when p.tip_returned then p.tip else 0 end as returned,
  case when exists (
    select 1 from credits c
    where c.bill_id = p.bill_id and c.payment_no = p.no and c.is_tip and c.status = 'rejected' and c.replaced_by is null
  ) then p.tip else 0 end as unreturned,
  p.received_at
from payments p
join bills b on b.id = p.bill_id
where p.tip > 0 and p.status <> 'refused';
