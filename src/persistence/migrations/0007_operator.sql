-- What operators see and do: the directory as one list, and a chain of everything that was done to it.

create view directory_parties as
  select 'institution' as kind, id, id as institution_id, null::text as merchant_id, name, null::text as city,
    false as restricted, false as subscribed, null::text as role, suspended_at, created_at
  from institutions
  union all
  select 'merchant', id, institution_id, id, name, city, false, false, null, suspended_at, created_at
  from merchants
  union all
  select 'terminal', t.id, m.institution_id, m.id, t.name, null, t.restricted, false, null, t.suspended_at, t.created_at
  from terminals t join merchants m on m.id = t.merchant_id
  union all
  select 'paychannel', id, institution_id, null, name, null, false, subscribed, null, suspended_at, created_at
  from paychannels
  union all
  select 'operator', id, institution_id, merchant_id, name, null, false, false, role, suspended_at, created_at
  from operators;

create view directory_keys as
  select k.id, k.name, p.kind as holder_kind, p.id as holder_id, p.institution_id, p.merchant_id, p.role,
    k.created_at, k.expires_at, k.last_used_at, k.revoked_at
  from keys k
  join directory_parties p
    on (p.kind = 'terminal' and p.id = k.terminal_id) or (p.kind = 'merchant' and p.id = k.merchant_id)
    or (p.kind = 'paychannel' and p.id = k.paychannel_id) or (p.kind = 'operator' and p.id = k.operator_id);

-- One line for each thing that an operator did, in the same transaction. `hash` is over the hash before and the text of
-- the line, so that a line that was changed, or is missing, shows.
create table audit (
  no bigint primary key,
  entry text not null,
  -- SHA-256, hex, of the hash before (the first: none) followed by `entry`.
  hash text collate "C" not null,
  -- Makes a repeat of the operator's call known: who, with which key, and what became of it.
  actor text collate "C" not null,
  idempotency_key text collate "C",
  digest text collate "C",
  subject_id text collate "C" not null
);
create unique index audit_by_key on audit (actor, idempotency_key) where idempotency_key is not null;

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit is only ever appended to';
end
$$;
create trigger audit_stays before update or delete or truncate on audit
  for each statement execute function refuse_audit_change();

-- Appends one line and returns its number. In: what is said of it, and the call that it came of.
create function audit_append(
  said jsonb, by_actor text, subject text, with_key text, with_digest text
) returns bigint language plpgsql as $$
declare
  top record;
  line text;
begin
  -- One at a time, until the transaction ends; the same lock as the feed of changes, so that none waits for the other.
  perform pg_advisory_xact_lock(4715328015);
  select no, hash into top from audit order by no desc limit 1;
  line := jsonb_build_object(
    'no', coalesce(top.no, 0) + 1,
    'at', to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
  )::text;
  line := (line::jsonb || said)::text;
  insert into audit (no, entry, hash, actor, idempotency_key, digest, subject_id)
  values (
    coalesce(top.no, 0) + 1, line,
    encode(sha256(convert_to(coalesce(top.hash, '') || line, 'UTF8')), 'hex'),
    by_actor, with_key, with_digest, subject
  );
  return coalesce(top.no, 0) + 1;
end
$$;
