-- What an endpoint is owed, oldest first, what it has given up, and what of that is too old to be kept: each is a stretch of it.
create index webhook_letters_in_order on webhook_letters (endpoint_id, state, occurred_at, bill_id, no);
