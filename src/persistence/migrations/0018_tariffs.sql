-- Tariffs that operators keep for a merchant, each under a name. What is put there is a new revision, and none that was
-- put is ever changed: it says what bills were made of, and by whom.

create table tariffs (
  id text collate "C" primary key,
  merchant_id text collate "C" not null references merchants,
  name text collate "C" not null check (name ~ '^[A-Za-z0-9._:-]{1,64}$'),
  -- The newest; they count from 1.
  revision integer not null check (revision > 0),
  -- Since when no bill is made of it. The next revision begins it again.
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  unique (merchant_id, name)
);

create table tariff_revisions (
  tariff_id text collate "C" not null references tariffs,
  revision integer not null,
  -- As it was put, to the order of its fields.
  document json not null,
  -- The operator who put it.
  put_by text collate "C" not null,
  put_at timestamptz not null default now(),
  primary key (tariff_id, revision)
);

create function refuse_revision_change() returns trigger language plpgsql as $$
begin
  raise exception 'revisions of tariffs are only ever added';
end
$$;
create trigger tariff_revisions_stay before update or delete or truncate on tariff_revisions
  for each statement execute function refuse_revision_change();

create trigger tariffs_change after insert or update on tariffs
  for each row execute function tell_directory_change('tariff');

-- As of all tables that reports are granted nothing of.
alter table tariffs enable row level security;
alter table tariff_revisions enable row level security;
