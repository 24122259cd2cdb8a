-- A new terminal is told of where its merchant has an endpoint, which gets its events from the first on. Nothing else changes
-- whose events an endpoint gets. Where there is none, nobody waits for a turn to tell.
create function tell_new_terminal() returns trigger language plpgsql as $$
declare
  endpoint text;
  told bigint;
begin
  select min(id) into endpoint from webhook_endpoints where merchant_id = new.merchant_id and removed_at is null;
  if endpoint is null then
    return null;
  end if;
  -- As tell_directory_change: a reader that has seen a number has seen all below it.
  perform pg_advisory_xact_lock(4715328015);
  insert into directory_changes (kind, id) values ('webhook', endpoint) returning no into told;
  delete from directory_changes where no <= told - 10000;
  return null;
end
$$;
create trigger terminals_added after insert on terminals
  for each row execute function tell_new_terminal();
