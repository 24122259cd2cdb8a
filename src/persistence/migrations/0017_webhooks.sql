-- Webhooks: where holders that keep no socket get their events, signed with which secrets, and what became of it.

-- An endpoint of one holder; a merchant's is one of all its terminals. Nothing is deleted: it is removed.
create table webhook_endpoints (
  id text collate "C" primary key,
  terminal_id text collate "C" references terminals,
  merchant_id text collate "C" references merchants,
  paychannel_id text collate "C" references paychannels,
  url text not null,
  -- An array of words. Null: all.
  event_types jsonb,
  -- Pending until it has answered a challenge; disabled once it has answered 410.
  state text not null default 'pending' check (state in ('pending', 'active', 'disabled')),
  created_at timestamptz not null default now(),
  removed_at timestamptz,
  -- When its sender was last asked to look at its letters.
  asked_at timestamptz,
  check (num_nonnulls(terminal_id, merchant_id, paychannel_id) = 1)
);
create index webhook_endpoints_by_terminal on webhook_endpoints (terminal_id) where terminal_id is not null;
create index webhook_endpoints_by_merchant on webhook_endpoints (merchant_id) where merchant_id is not null;
create index webhook_endpoints_by_paychannel on webhook_endpoints (paychannel_id) where paychannel_id is not null;

-- Under which it signs, with all that are live. Sealed, as all that must be read again.
create table webhook_secrets (
  id text collate "C" primary key,
  endpoint_id text collate "C" not null references webhook_endpoints,
  sealed text not null,
  created_at timestamptz not null default now(),
  ends_at timestamptz
);
create index webhook_secrets_by_endpoint on webhook_secrets (endpoint_id);

-- What its sender has seen of it, told now and then.
create table webhook_health (
  endpoint_id text collate "C" primary key references webhook_endpoints,
  breaker text not null,
  pending integer not null,
  succeeded_at timestamptz,
  failed_at timestamptz,
  failure text
);

-- Events that an endpoint is owed beside those that are pending, and those that it was not brought to take (dead).
create table webhook_letters (
  endpoint_id text collate "C" not null references webhook_endpoints,
  bill_id text collate "C" not null,
  no integer not null,
  recipient text collate "C" not null,
  type text not null,
  occurred_at bigint not null,
  state text not null check (state in ('owed', 'dead')),
  -- Since when it is so.
  since timestamptz not null default now(),
  failure text,
  primary key (endpoint_id, bill_id, no)
);

-- As keys and secrets are: nobody who reads for reports sees any of it.
alter table webhook_endpoints enable row level security;
alter table webhook_secrets enable row level security;
alter table webhook_health enable row level security;
alter table webhook_letters enable row level security;

create function tell_webhook_change() returns trigger language plpgsql as $$
declare
  told bigint;
begin
  -- As tell_directory_change: a reader that has seen a number has seen all below it.
  perform pg_advisory_xact_lock(4715328015);
  insert into directory_changes (kind, id)
    values ('webhook', coalesce(to_jsonb(new) ->> 'endpoint_id', new.id)) returning no into told;
  delete from directory_changes where no <= told - 10000;
  return null;
end
$$;
create trigger webhook_endpoints_change after insert or update on webhook_endpoints
  for each row execute function tell_webhook_change();
create trigger webhook_secrets_change after insert or update on webhook_secrets
  for each row execute function tell_webhook_change();

create view directory_webhooks as
  select e.id, p.kind as holder_kind, p.id as holder_id, p.institution_id, p.merchant_id,
    e.url, e.event_types, e.state, e.created_at,
    (
      select json_agg(
        json_build_object('id', s.id, 'created_at', s.created_at, 'ends_at', s.ends_at) order by s.created_at desc, s.id
      )
      from webhook_secrets s
      where s.endpoint_id = e.id and (s.ends_at is null or s.ends_at > now())
    ) as secrets,
    h.breaker, h.pending, h.succeeded_at, h.failed_at, h.failure,
    (select count(*) from webhook_letters l where l.endpoint_id = e.id and l.state = 'dead') as dead
  from webhook_endpoints e
  join directory_parties p
    on (p.kind = 'terminal' and p.id = e.terminal_id) or (p.kind = 'merchant' and p.id = e.merchant_id)
    or (p.kind = 'paychannel' and p.id = e.paychannel_id)
  left join webhook_health h on h.endpoint_id = e.id
  where e.removed_at is null;
