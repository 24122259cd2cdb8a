-- One part of 1 paid on one bill that all clients pay, as an application with row locks writes it (interactive.sql).
-- Takes -D base, bill, body, outcome (pgbench.ts).
\set i :i + 1
\set n :base + :i * 128 + :client_id
\set at :n / 1000000

begin;
select paychannel_id from keys where key_hash = 'paychannel-key-' || :client_id::text and revoked_at is null;
select status, version, amount, paid from bills where id = :bill::text for update;
insert into refs (bill_id, kind, scope, ref, entry, digest, outcome) values (:bill::text, 'payment', 'paychannel-1', 'pay-' || :n::text, 1, 'digest-of-22-characters', :outcome) on conflict do nothing returning ref;
insert into payments (bill_id, no, entry, paychannel_id, payment_ref, amount, credited, status, received_at, subscribed) select :bill::text, version, 1, 'paychannel-1', 'pay-' || :n::text, 1, 0, 'accepted', :at, false from bills where id = :bill::text;
insert into events (bill_id, no, entry, recipient, type, occurred_at, pending, body) select :bill::text, version, 1, 'terminal:' || :client_id::text, 'payment.received', :at, true, :body from bills where id = :bill::text;
insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome) select 0, :n, 1, :bill::text, version + 1, 'PayBill', :at, 'paychannel-1', 'request-' || :n::text, 'PaymentAccepted' from bills where id = :bill::text;
update bills set status = 'partiallyPaid', version = version + 1, paid = paid + 1 where id = :bill::text;
commit;
