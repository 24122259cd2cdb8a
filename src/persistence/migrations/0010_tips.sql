-- Tips: what a payment brought on top of its amount, outside of all other sums, and the credits that return it.

alter table payments
  add column tip bigint not null default 0 check (tip >= 0),
  add column tip_returned boolean not null default false check (tip > 0 or not tip_returned);

-- The credit returns its payment's tip, and nothing of its amount.
alter table credits add column is_tip boolean not null default false;

-- For reports: one row a tip that a bill took. What was not returned was kept.
create view tips as
select
  b.institution_id, b.merchant_id, b.terminal_id, p.bill_id, b.order_id, p.no as payment_no, p.paychannel_id,
  p.payment_ref, b.currency, p.tip as paid,
  case when p.tip_returned then p.tip else 0 end as returned,
  case when c.status = 'rejected' then p.tip else 0 end as unreturned,
  p.received_at
from payments p
join bills b on b.id = p.bill_id
left join credits c on c.bill_id = p.bill_id and c.payment_no = p.no and c.is_tip
where p.tip > 0 and p.status <> 'refused';
