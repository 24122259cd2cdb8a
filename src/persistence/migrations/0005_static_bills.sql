-- Static bills: their payments end one by one, so that some are held while others are confirmed.

alter table bills drop constraint bills_check1;
alter table bills add constraint bills_books check (
  refunded <= confirmed
  and (
    confirmed = 0
    or paid = confirmed + reversed
    or (type = 'static' and paid > confirmed + reversed)
  )
);

-- A payment that has left memory is fetched with all its credits.
create index credits_by_payment on credits (bill_id, payment_no);
