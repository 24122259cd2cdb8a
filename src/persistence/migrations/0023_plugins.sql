-- Endpoints that are reached by a driver which the operator has loaded, beside those that events are posted to.

alter table webhook_endpoints
  alter column url drop not null,
  -- By which way: webhook, or the name of a loaded driver.
  add column driver text not null default 'webhook' check (driver ~ '^[a-z0-9-]{1,32}$'),
  -- What the driver is told of the endpoint: sealed, since it may hold passwords.
  add column settings text,
  add check ((driver = 'webhook') = (url is not null)),
  add check ((driver = 'webhook') = (settings is null));

create or replace view directory_webhooks as
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
    (select count(*) from webhook_letters l where l.endpoint_id = e.id and l.state = 'dead') as dead,
    e.driver
  from webhook_endpoints e
  join directory_parties p
    on (p.kind = 'terminal' and p.id = e.terminal_id) or (p.kind = 'merchant' and p.id = e.merchant_id)
    or (p.kind = 'paychannel' and p.id = e.paychannel_id)
  left join webhook_health h on h.endpoint_id = e.id
  where e.removed_at is null;
