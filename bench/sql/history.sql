-- Bills that were paid and confirmed long ago, with all that they left behind: numbers :from to :to (scale-cases.ts puts
-- them in). Their entries are of shard 0 and below any that a switch writes; their times are before it began.
insert into bills (id, shard, entry, institution_id, merchant_id, terminal_id, order_id, type, purpose, status, version,
  currency, amount, paid, confirmed, reversed, refunded, unreturned, created_at, expires_at, paid_at, confirmed_at, cause,
  next_due_at, spilled, state)
select '00000000' || lpad(n::text, 18, '0'), 0, 1, 'old-institution', 'old-merchant', 'old-terminal-' || n % 1000, 'old-' || n,
  'dynamic', 'sale', 'confirmed', 3, 'EUR', 1000, 1000, 1000, 0, 0, 0, n, n + 900000, n, n, 'terminal', null, false,
  decode(repeat('5a', 490), 'hex')
from generate_series(:from, :to) n;
insert into payments (bill_id, no, entry, paychannel_id, payment_ref, amount, credited, status, received_at, notified_at,
  subscribed)
select '00000000' || lpad(n::text, 18, '0'), 1, 1, 'old-paychannel', 'pay-' || n, 1000, 0, 'confirmed', n, n, false
from generate_series(:from, :to) n;
insert into events (bill_id, no, entry, recipient, type, occurred_at, pending, acknowledged_at, body)
select '00000000' || lpad(n::text, 18, '0'), 1, 1, 'terminal:old-terminal-' || n % 1000, 'bill.paid', n, false, n,
  decode(repeat('5a', 150), 'hex')
from generate_series(:from, :to) n;
insert into orders (terminal_id, order_id, shard, entry, bill_id, digest, at)
select 'old-terminal-' || n % 1000, 'old-' || n, 0, 1, '00000000' || lpad(n::text, 18, '0'), 'digest-of-22-characters', n
from generate_series(:from, :to) n;
insert into refs (bill_id, kind, scope, ref, entry, digest, outcome)
select '00000000' || lpad(n::text, 18, '0'), 'payment', 'old-paychannel', 'pay-' || n, 1, 'digest-of-22-characters',
  decode(repeat('5a', 80), 'hex')
from generate_series(:from, :to) n;
insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome)
select 0, -n, no, '00000000' || lpad(n::text, 18, '0'), 1, 'PayBill', n, 'old-paychannel', 'request-' || n, 'PaymentAccepted'
from generate_series(:from, :to) n, generate_series(0, 3) no;
