-- Agreements: whose bills the paychannels of an institution may pay, beside those of its own. And the mode of an
-- institution: test never meets live, which no agreement can change.

alter table institutions
  add column mode text not null default 'live' check (mode in ('test', 'live')),
  add unique (id, mode);

create function keep_mode() returns trigger language plpgsql as $$
begin
  raise exception 'the mode of an institution never changes';
end
$$;
create trigger institutions_keep_mode before update on institutions
  for each row when (new.mode is distinct from old.mode) execute function keep_mode();

-- Rows are kept: an agreement that has ended says until when it held.
create table agreements (
  id text collate "C" primary key,
  billing_institution_id text collate "C" not null,
  paying_institution_id text collate "C" not null,
  -- Of both.
  mode text not null,
  since timestamptz not null,
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  foreign key (billing_institution_id, mode) references institutions (id, mode),
  foreign key (paying_institution_id, mode) references institutions (id, mode),
  check (billing_institution_id <> paying_institution_id)
);
-- One at a time, and for lists by either side.
create unique index agreements_open on agreements (billing_institution_id, paying_institution_id)
  where ended_at is null;
create index agreements_by_billing on agreements (billing_institution_id, id);
create index agreements_by_paying on agreements (paying_institution_id, id);

-- New rows are told of too, where a trigger says so.
create or replace function tell_directory_change() returns trigger language plpgsql as $$
declare
  told bigint;
begin
  -- One at a time, until the transaction ends: a reader that has seen a number has seen all below it.
  perform pg_advisory_xact_lock(4715328015);
  insert into directory_changes (kind, id) values (tg_argv[0], new.id) returning no into told;
  delete from directory_changes where no <= told - 10000;
  return null;
end
$$;
create trigger agreements_change after insert or update on agreements
  for each row execute function tell_directory_change('agreement');

create or replace view directory_parties as
  select 'institution' as kind, id, id as institution_id, null::text as merchant_id, name, null::text as city,
    false as restricted, false as subscribed, null::text as role, suspended_at, created_at, policies, mode
  from institutions
  union all
  select 'merchant', m.id, m.institution_id, m.id, m.name, m.city, false, false, null, m.suspended_at, m.created_at,
    m.policies, i.mode
  from merchants m join institutions i on i.id = m.institution_id
  union all
  select 'terminal', t.id, m.institution_id, m.id, t.name, null, t.restricted, false, null, t.suspended_at, t.created_at,
    null, i.mode
  from terminals t join merchants m on m.id = t.merchant_id join institutions i on i.id = m.institution_id
  union all
  select 'paychannel', p.id, p.institution_id, null, p.name, null, false, p.subscribed, null, p.suspended_at,
    p.created_at, null, i.mode
  from paychannels p join institutions i on i.id = p.institution_id
  union all
  -- A system operator may belong to none.
  select 'operator', o.id, o.institution_id, o.merchant_id, o.name, null, false, false, o.role, o.suspended_at,
    o.created_at, null, i.mode
  from operators o left join institutions i on i.id = o.institution_id;

-- Of a payment through another institution's paychannel: which one's. Null: the bill's own.
alter table payments add column paying_institution_id text collate "C";
-- Of an institution in test mode.
alter table bills add column is_test boolean not null default false;
