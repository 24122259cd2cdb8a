-- Whoever begins to make the calls to an acquirer looks at its open bills, the youngest first.
create index bills_open_at_acquirer on bills (acquirer, id)
  where acquirer is not null and status in ('pending', 'open');
