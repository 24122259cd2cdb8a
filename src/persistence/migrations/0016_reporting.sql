-- Row-level security: the second wall, for roles that read history for one institution. The switch owns the tables and
-- is not asked; whoever else may read them sees the rows of the institution that stands beside its name here, or none.

create table reporting_roles (
  role_name name primary key,
  institution_id text collate "C" not null references institutions,
  created_at timestamptz not null default now()
);

-- By the name that signed in, which no setting and no `set role` changes. What it reads is bound when it is made: no
-- table of the same name that a session makes for itself comes before it.
create function reporting_institution() returns text
language sql stable security definer
return (select r.institution_id from reporting_roles r where r.role_name = session_user);

alter table institutions enable row level security;
create policy reporting on institutions for select using (id = (select reporting_institution()));

alter table merchants enable row level security;
create policy reporting on merchants for select
  using (institution_id = (select reporting_institution()));

-- What hangs on another table is seen where that is: its own policy holds within this one.
alter table terminals enable row level security;
create policy reporting on terminals for select
  using (exists (select from merchants m where m.id = merchant_id));

alter table paychannels enable row level security;
create policy reporting on paychannels for select
  using (institution_id = (select reporting_institution()));

alter table bills enable row level security;
create policy reporting on bills for select
  using (institution_id = (select reporting_institution()));

-- Both see their half: the institution of the bill, and that of the paychannel.
alter table payments enable row level security;
create policy reporting on payments for select using (
  exists (select from bills b where b.id = bill_id)
  or exists (select from paychannels p where p.id = paychannel_id)
);

alter table credits enable row level security;
create policy reporting on credits for select using (
  exists (select from bills b where b.id = bill_id)
  or exists (select from paychannels p where p.id = paychannel_id)
);

alter table events enable row level security;
create policy reporting on events for select
  using (exists (select from bills b where b.id = bill_id));

alter table transitions enable row level security;
create policy reporting on transitions for select
  using (exists (select from bills b where b.id = bill_id));

-- Nobody is granted any of these; and if somebody were, there would be nothing to see.
alter table keys enable row level security;
alter table secrets enable row level security;
alter table key_peppers enable row level security;
alter table operators enable row level security;
alter table audit enable row level security;
alter table refs enable row level security;
alter table orders enable row level security;
alter table reporting_roles enable row level security;
