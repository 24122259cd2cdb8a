-- Bills whose money comes through a bank's own QR system. What was given back there by hand is a credit that nobody here
-- asked for.

alter table bills add column acquirer text collate "C";
alter table credits add column origin text check (origin = 'external');
