-- Limits: how much an institution, a terminal or a paychannel may ask of the switch, where an operator has set it.

-- What is left out goes by the configuration of the switch; null is no limit.
create function are_limits(given jsonb) returns boolean
language sql immutable parallel safe
return
  jsonb_typeof(given) = 'object'
  and given - array['requestsPerSecond', 'burst', 'sockets'] = '{}'
  and not jsonb_path_exists(
    given,
    '$.* ? (@ != null && (@.type() != "number" || @ < 1 || @ > 1000000 || @ != @.floor()))'
  );

alter table institutions add column limits jsonb not null default '{}' check (are_limits(limits));
alter table terminals add column limits jsonb not null default '{}' check (are_limits(limits));
alter table paychannels add column limits jsonb not null default '{}' check (are_limits(limits));
