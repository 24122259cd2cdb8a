-- Policies: what an institution's and a merchant's bills do where things do not go as they should. Each bill is made
-- with those that held then, and keeps them.

create function are_policies(given jsonb) returns boolean
language sql immutable parallel safe
return
  jsonb_typeof(given) = 'object'
  and given - array['late', 'excess', 'part', 'unconfirmed'] = '{}'
  and coalesce(given -> 'late', '"refuse"') in ('"refuse"', '"accept"')
  and coalesce(given -> 'excess', '"refuse"') in ('"refuse"', '"reverse"')
  and coalesce(given -> 'part', '"allow"') in ('"allow"', '"forbid"')
  and coalesce(given -> 'unconfirmed', '"confirm"') in ('"confirm"', '"reverse"');

-- Those that are set; a merchant's take the place of its institution's, one by one.
alter table institutions add column policies jsonb not null default '{}' check (are_policies(policies));
alter table merchants add column policies jsonb not null default '{}' check (are_policies(policies));

create or replace view directory_parties as
  select 'institution' as kind, id, id as institution_id, null::text as merchant_id, name, null::text as city,
    false as restricted, false as subscribed, null::text as role, suspended_at, created_at, policies
  from institutions
  union all
  select 'merchant', id, institution_id, id, name, city, false, false, null, suspended_at, created_at, policies
  from merchants
  union all
  select 'terminal', t.id, m.institution_id, m.id, t.name, null, t.restricted, false, null, t.suspended_at, t.created_at,
    null
  from terminals t join merchants m on m.id = t.merchant_id
  union all
  select 'paychannel', id, institution_id, null, name, null, false, subscribed, null, suspended_at, created_at, null
  from paychannels
  union all
  select 'operator', id, institution_id, merchant_id, name, null, false, false, role, suspended_at, created_at, null
  from operators;

-- The bill's own, as JSON; null: all are as usual.
alter table bills add column policies text;

-- The part of the amount that was above what was due, and went back at once.
alter table payments add column excess bigint not null default 0 check (excess >= 0 and excess < amount);
