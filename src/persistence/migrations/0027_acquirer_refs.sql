-- What an acquirer calls a bill is that bill's for ever: no other is taken for paid by it.
create table acquirer_refs (
  acquirer text collate "C" not null,
  ref text collate "C" not null,
  bill_id text collate "C" not null,
  primary key (acquirer, ref)
);
-- As keys are: nobody who reads for reports sees any of it.
alter table acquirer_refs enable row level security;
