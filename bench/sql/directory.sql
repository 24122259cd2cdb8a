-- Who takes part in the peers' lifecycles: one terminal and one key of the wallet for each pgbench client.
insert into institutions (id, name) values ('institution-1', 'Bench');
insert into merchants (id, institution_id, name, city) values ('merchant-1', 'institution-1', 'Bench Merchant', 'Valletta');
insert into paychannels (id, institution_id, name) values ('paychannel-1', 'institution-1', 'Bench Wallet');
insert into terminals (id, merchant_id, name)
  select 'terminal-' || n, 'merchant-1', 'Till ' || n from generate_series(0, 127) n;
insert into keys (key_hash, terminal_id) select 'terminal-key-' || n, 'terminal-' || n from generate_series(0, 127) n;
insert into keys (key_hash, paychannel_id) select 'paychannel-key-' || n, 'paychannel-1' from generate_series(0, 127) n;
