-- What operators look for when a merchant complains: a bill by its order or by a payment's reference, what was paid and
-- given back at a merchant's, and everything that has become of one bill.

create index bills_by_order on bills (order_id, created_at, id);
create index payments_by_ref on payments (payment_ref);
-- A bill's story, in its order: a bill has one shard, and a shard's entries only go up.
create index transitions_by_bill on transitions (bill_id, entry, no) where bill_id is not null;

-- The merchant of the bill, so that its payments and credits can be listed newest first. An institution's are those of
-- its merchants.
alter table payments add column merchant_id text collate "C";
update payments p set merchant_id = b.merchant_id from bills b where b.id = p.bill_id;
create index payments_by_merchant on payments (merchant_id, received_at, bill_id, no);

alter table credits add column merchant_id text collate "C";
update credits c set merchant_id = b.merchant_id from bills b where b.id = c.bill_id;
create index credits_by_merchant on credits (merchant_id, requested_at, bill_id, no);
create index credits_by_ref on credits (payment_ref);

-- What operators do with bills stands in the log first, and comes here with history. Its line of the audit is written
-- in the same statement: there is none without the other.
create function audit_transition() returns trigger language plpgsql as $$
declare
  by_operator text := substr(new.actor, length('operator:') + 1);
begin
  perform audit_append(
    jsonb_build_object(
      'operator', by_operator,
      'role', (select role from operators where id = by_operator),
      'requestId', new.request_id,
      'action', 'bill.command',
      'kind', 'bill',
      'id', new.bill_id,
      'institutionId', (select institution_id from bills where id = new.bill_id),
      'detail', jsonb_build_object(
        'command', new.type, 'outcome', new.outcome, 'version', new.version,
        'at', to_char(utc(new.at) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
      )
    ),
    by_operator, new.bill_id, null, null
  );
  return null;
end
$$;
create trigger transitions_of_operators after insert on transitions
  for each row when (new.actor like 'operator:%') execute function audit_transition();
