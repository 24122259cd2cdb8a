-- Whoever begins to make the calls to an acquirer looks at its open bills, the youngest first.
create index bills_open_at_acquirer on bills (acquirer, id)
  where acquirer is not null and status in ('pending', 'open');

-- The format of codes, where a seller has chosen one, may be that of a loaded driver: whether one is loaded, the switch
-- knows, and not the database.
alter table institutions
  drop constraint institutions_qr_format_check,
  add constraint institutions_qr_format_check check (qr_format ~ '^[a-z0-9-]{1,32}$');
alter table terminals
  drop constraint terminals_qr_format_check,
  add constraint terminals_qr_format_check check (qr_format ~ '^[a-z0-9-]{1,32}$');
