-- The directory: who takes part, and whose key is whose. Nothing is deleted; a key is revoked.

create table institutions (
  id text collate "C" primary key,
  name text not null,
  created_at timestamptz not null default now()
);

create table merchants (
  id text collate "C" primary key,
  institution_id text collate "C" not null references institutions,
  name text not null,
  city text not null,
  created_at timestamptz not null default now()
);
create index merchants_by_institution on merchants (institution_id);

create table terminals (
  id text collate "C" primary key,
  merchant_id text collate "C" not null references merchants,
  name text not null,
  -- Sees its own bills only.
  restricted boolean not null default false,
  created_at timestamptz not null default now()
);
create index terminals_by_merchant on terminals (merchant_id);

create table paychannels (
  id text collate "C" primary key,
  institution_id text collate "C" not null references institutions,
  name text not null,
  -- Hears `payment.confirmed`.
  subscribed boolean not null default false,
  created_at timestamptz not null default now()
);

create table operators (
  id text collate "C" primary key,
  institution_id text collate "C" not null references institutions,
  name text not null,
  created_at timestamptz not null default now()
);

-- A key is shown once, when it is made; here stands its SHA-256 (base64url). It belongs to exactly one holder.
create table keys (
  key_hash text collate "C" primary key,
  terminal_id text collate "C" references terminals,
  merchant_id text collate "C" references merchants,
  paychannel_id text collate "C" references paychannels,
  operator_id text collate "C" references operators,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  check (num_nonnulls(terminal_id, merchant_id, paychannel_id, operator_id) = 1)
);
