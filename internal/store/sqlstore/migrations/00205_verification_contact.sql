-- The contact that was proved, as the keyed hash that the roster has of such a
-- fact: who reached what is on file of somebody can be told from who reached
-- any address. NULL if none was, or before this was kept.
ALTER TABLE verification ADD COLUMN contact BYTEA;
