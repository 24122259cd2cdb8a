-- Labels of payers are stored encrypted (data-keys.ts), in this column alone, and can be erased. Those from before stood
-- as they were, and nothing ever showed them: they go.
update payments set payer = null where payer is not null;
