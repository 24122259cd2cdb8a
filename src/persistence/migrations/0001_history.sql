-- The history (A6): what has become of every bill, at or below each shard's watermark.
--
-- Times are milliseconds since 1970, UTC, as the shards' clocks gave them; `utc(at)` shows them to people. Amounts are
-- minor units. `entry` is the log entry that changed the row last: epoch × 2^32 + sequence. Names are compared byte
-- by byte (collate "C"), whatever the database's own order of text is.
--
-- An index stands here only for a query that exists: each costs at every write.

create function utc(at bigint) returns timestamptz
language sql immutable strict parallel safe
return timestamptz 'epoch' + make_interval(secs => at / 1000) + make_interval(secs => (at % 1000) / 1000.0);

-- What this database belongs to: at most one row. The number of shards is fixed by the first start (A1); the log's
-- name changes only when one log has been drained into history and another has taken over (A7).
create table meta (
  one boolean primary key default true check (one),
  shards integer not null check (shards > 0),
  log_kind text not null,
  log_id text not null
);

-- How far each shard's log has been written here. Changed by every write: spare room keeps its versions on one page.
create table watermarks (
  shard integer primary key,
  entry bigint not null check (entry > 0),
  at bigint not null
) with (fillfactor = 10);

create table bills (
  id text collate "C" primary key,
  shard integer not null,
  entry bigint not null,
  institution_id text collate "C" not null,
  merchant_id text collate "C" not null,
  terminal_id text collate "C" not null,
  order_id text collate "C" not null,
  type text not null,
  status text not null,
  version integer not null,
  currency text not null,
  purpose text not null,
  amount bigint not null check (amount >= 0),
  paid bigint not null check (paid >= 0),
  confirmed bigint not null check (confirmed >= 0),
  reversed bigint not null check (reversed >= 0),
  refunded bigint not null check (refunded >= 0),
  unreturned bigint not null check (unreturned >= 0 and unreturned <= reversed + refunded),
  created_at bigint not null,
  expires_at bigint not null,
  paid_at bigint,
  confirmed_at bigint,
  closed_at bigint,
  cause text,
  -- When its earliest timer is due; null where it waits for nothing.
  next_due_at bigint,
  -- Whether the bill has let references go: an unknown one is looked up in refs.
  spilled boolean not null,
  -- The whole bill, for the switch alone (bill-codec.ts).
  state bytea not null,
  check (confirmed = 0 or (paid = confirmed + reversed and refunded <= confirmed)),
  check (reversed <= paid)
) with (toast_tuple_target = 8160);
-- Packed already: compressing it costs more than it saves.
alter table bills alter column state set storage external;
-- Lists, newest first: a terminal's directly, a merchant's by way of its terminals.
create index bills_by_terminal on bills (terminal_id, created_at, id);
-- The sweep for what falls due (A8).
create index bills_by_due on bills (shard, next_due_at) where next_due_at is not null;

-- Accepted and refused payments; `rejection` and `code` say why one was refused.
create table payments (
  bill_id text collate "C" not null,
  no integer not null check (no > 0),
  entry bigint not null,
  paychannel_id text collate "C" not null,
  payment_ref text collate "C" not null,
  amount bigint not null check (amount > 0),
  credited bigint not null check (credited >= 0 and credited <= amount),
  status text not null,
  code text,
  method text,
  payer text,
  paid_at bigint,
  received_at bigint not null,
  notified_at bigint,
  subscribed boolean not null,
  rejection text,
  check ((status = 'refused') = (rejection is not null)),
  primary key (bill_id, no)
) with (fillfactor = 85);
create index payments_by_paychannel on payments (paychannel_id, received_at, bill_id, no);

create table credits (
  bill_id text collate "C" not null,
  no integer not null check (no > 0),
  entry bigint not null,
  kind text not null,
  payment_no integer not null,
  paychannel_id text collate "C" not null,
  payment_ref text collate "C" not null,
  amount bigint not null check (amount > 0),
  status text not null,
  reason text,
  settled_reason text,
  reference text,
  requested_at bigint not null,
  settled_at bigint,
  repeats integer not null,
  primary key (bill_id, no)
) with (fillfactor = 85);
create index credits_by_paychannel on credits (paychannel_id, requested_at, bill_id, no);

-- Messages to terminals and paychannels, pending until acknowledged or replaced by their repeat.
create table events (
  bill_id text collate "C" not null,
  no integer not null check (no > 0),
  entry bigint not null,
  recipient text collate "C" not null,
  type text not null,
  occurred_at bigint not null,
  pending boolean not null,
  -- Null in one that is not pending: it was replaced by its repeat.
  acknowledged_at bigint,
  -- The event as it was raised, for the switch alone (bill-codec.ts).
  body bytea not null,
  check (not pending or acknowledged_at is null),
  primary key (bill_id, no)
);
-- One index for both streams: what is pending, and (merged from its two halves) all.
create index events_by_recipient on events (recipient, pending, occurred_at, bill_id, no);

-- What became of an order, the latest where its number was used again: a bill or, without one, a tombstone.
create table orders (
  terminal_id text collate "C" not null,
  order_id text collate "C" not null,
  shard integer not null,
  entry bigint not null,
  bill_id text collate "C",
  digest text not null,
  at bigint not null,
  primary key (terminal_id, order_id)
);
-- What a shard's filter of recent orders is refilled from (A9).
create index orders_by_time on orders (shard, at);

-- References, for ever (A9), with what became of each (`outcome`: bill-codec.ts).
create table refs (
  bill_id text collate "C" not null,
  kind text collate "C" not null,
  scope text collate "C" not null,
  ref text collate "C" not null,
  entry bigint not null,
  digest text not null,
  outcome bytea not null,
  primary key (bill_id, kind, scope, ref)
);

-- The audit trail: a line a transition, numbered within its entry.
create table transitions (
  shard integer not null,
  entry bigint not null,
  no integer not null,
  -- Null for an order's tombstone.
  bill_id text collate "C",
  version integer not null,
  type text not null,
  at bigint not null,
  actor text not null,
  request_id text not null,
  outcome text not null,
  primary key (shard, entry, no)
);
