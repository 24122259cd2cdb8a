-- What became of a rejected credit: another one in its place, or the money went back by another way (its status is then
-- returnedOtherwise).

alter table credits
  add column replaces integer,
  add column replaced_by integer,
  add column returned_reference text,
  add column returned_at bigint,
  add check (replaced_by is null or status = 'rejected'),
  add check ((returned_at is not null) = (status = 'returnedOtherwise'));
