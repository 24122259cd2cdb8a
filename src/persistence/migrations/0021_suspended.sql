-- Workers are told at their start who is suspended: however many terminals there are, those alone are read.
create index merchants_suspended on merchants (id) where suspended_at is not null;
create index terminals_suspended on terminals (id) where suspended_at is not null;
