-- Paychannels that must show more than a key: signed requests, client certificates.

alter table paychannels
  -- Requests of its keys must be signed with one of its signing secrets.
  add column signatures text not null default 'off' check (signatures in ('off', 'required')),
  -- SHA-256 of client certificates, hex: where there are any, its connections must show one of them.
  add column certificates text[] not null default '{}'
    check (
      cardinality(certificates) <= 8
      and array_position(certificates, null) is null
      and array_to_string(certificates, ',') ~ '^([0-9a-f]{64}(,|$))*$'
    );

-- A signing secret is a key that opens nothing by itself. It must be read again, so it stands here sealed (data-keys.ts).
alter table keys
  add column sealed text,
  add check (sealed is null or paychannel_id is not null);

-- A new secret is good at once, where a new key is looked up anyway: whoever remembers its paychannel looks again.
create function tell_signing_secret() returns trigger language plpgsql as $$
declare
  told bigint;
begin
  perform pg_advisory_xact_lock(4715328015);
  insert into directory_changes (kind, id) values ('paychannel', new.paychannel_id) returning no into told;
  delete from directory_changes where no <= told - 10000;
  return null;
end
$$;
create trigger signing_secrets_change after insert or update of revoked_at, expires_at on keys
  for each row when (new.sealed is not null) execute function tell_signing_secret();
