-- Out: the log's id and number of shards; no row where it has none yet.
select id, shards from log_name
