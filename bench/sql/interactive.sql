-- One bill lifecycle as an application with row locks writes it: a transaction a request, a statement a step.
-- Same tables, indexes, checks and rows as the switch's history; only the packed state of the bill is shorter.
-- Takes -D base, body, state, outcome (pgbench.ts). One pgbench client is one terminal.
\set i :i + 1
\set n :base + :i * 128 + :client_id
\set at :n / 1000000
\set expires :at + 900000
\set settles :at + 86400000
\set amount random(100, 99999)

-- The terminal creates the bill.
begin;
select terminal_id from keys where key_hash = 'terminal-key-' || :client_id::text and revoked_at is null;
insert into orders (terminal_id, order_id, shard, entry, bill_id, digest, at) values ('terminal-' || :client_id::text, 'order-' || :n::text, 0, 1, 'peer-b-' || :n::text, 'digest-of-22-characters', :at) on conflict do nothing returning bill_id;
insert into bills (id, shard, entry, institution_id, merchant_id, terminal_id, order_id, type, purpose, status, version, currency, amount, paid, confirmed, reversed, refunded, unreturned, created_at, expires_at, next_due_at, spilled, state) values ('peer-b-' || :n::text, 0, 1, 'institution-1', 'merchant-1', 'terminal-' || :client_id::text, 'order-' || :n::text, 'dynamic', 'sale', 'open', 1, 'EUR', :amount, 0, 0, 0, 0, 0, :at, :expires, :expires, false, :state);
insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome) values (0, :n, 0, 'peer-b-' || :n::text, 1, 'CreateBill', :at, 'terminal-' || :client_id::text, 'request-' || :n::text, 'BillCreated');
commit;

-- The wallet views it.
select paychannel_id from keys where key_hash = 'paychannel-key-' || :client_id::text and revoked_at is null;
select b.id, b.status, b.currency, b.amount, b.paid, b.expires_at, b.state, m.name, m.city from bills b join merchants m on m.id = b.merchant_id where b.id = 'peer-b-' || :n::text;

-- The wallet pays it.
begin;
select paychannel_id from keys where key_hash = 'paychannel-key-' || :client_id::text and revoked_at is null;
select status, version, amount, paid from bills where id = 'peer-b-' || :n::text for update;
insert into refs (bill_id, kind, scope, ref, entry, digest, outcome) values ('peer-b-' || :n::text, 'payment', 'paychannel-1', 'pay-' || :n::text, 1, 'digest-of-22-characters', :outcome) on conflict do nothing returning ref;
insert into payments (bill_id, no, entry, paychannel_id, payment_ref, amount, credited, status, received_at, subscribed) values ('peer-b-' || :n::text, 1, 1, 'paychannel-1', 'pay-' || :n::text, :amount, 0, 'accepted', :at, false);
update bills set status = 'paid', version = version + 1, paid = paid + :amount, paid_at = :at, next_due_at = :settles where id = 'peer-b-' || :n::text;
insert into events (bill_id, no, entry, recipient, type, occurred_at, pending, body) values ('peer-b-' || :n::text, 1, 1, 'terminal:' || :client_id::text, 'bill.paid', :at, true, :body);
insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome) values (0, :n, 1, 'peer-b-' || :n::text, 2, 'PayBill', :at, 'paychannel-1', 'request-' || :n::text, 'PaymentAccepted');
commit;

-- The terminal acknowledges the event.
begin;
select terminal_id from keys where key_hash = 'terminal-key-' || :client_id::text and revoked_at is null;
update events set pending = false, acknowledged_at = :at where bill_id = 'peer-b-' || :n::text and no = 1 and recipient = 'terminal:' || :client_id::text and pending;
update payments set notified_at = :at where bill_id = 'peer-b-' || :n::text and no = 1;
insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome) values (0, :n, 2, 'peer-b-' || :n::text, 2, 'AcknowledgeEvents', :at, 'terminal-' || :client_id::text, 'request-' || :n::text, 'EventsAcknowledged');
commit;

-- The terminal confirms.
begin;
select terminal_id from keys where key_hash = 'terminal-key-' || :client_id::text and revoked_at is null;
select status, version, amount, paid from bills where id = 'peer-b-' || :n::text and terminal_id = 'terminal-' || :client_id::text for update;
update bills set status = 'confirmed', version = version + 1, confirmed = paid, confirmed_at = :at, cause = 'terminal', next_due_at = null where id = 'peer-b-' || :n::text;
update payments set status = 'confirmed' where bill_id = 'peer-b-' || :n::text and no = 1;
insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome) values (0, :n, 3, 'peer-b-' || :n::text, 3, 'ConfirmBill', :at, 'terminal-' || :client_id::text, 'request-' || :n::text, 'BillConfirmed');
commit;
