-- What codes are made of, beside the bill: which format, and what its rules ask for. And keys of our own, which all
-- switches on this database share.

alter table institutions
  -- The format of its terminals' codes, unless one has its own; none: the address of the bill's page.
  add column qr_format text check (qr_format in ('url', 'emvco', 'sbp')),
  -- ISO 3166-1 alpha-2; EMVCo codes need one.
  add column country text check (country ~ '^[A-Z]{2}$'),
  -- Its number as a member of SBP; SBP codes need it.
  add column sbp_member text check (sbp_member ~ '^[0-9]{12}$');

alter table merchants
  -- Where it is not its institution's.
  add column country text check (country ~ '^[A-Z]{2}$'),
  -- Merchant category code of ISO 18245.
  add column category text check (category ~ '^[0-9]{4}$');

alter table terminals
  add column qr_format text check (qr_format in ('url', 'emvco', 'sbp'));

-- Drawn by the first start that needs one, and never changed: what was made with it would no longer be known for ours.
create table secrets (
  name text collate "C" primary key,
  value bytea not null,
  created_at timestamptz not null default now()
);
