-- Wrong facts are counted from the first of them on, for a fixed time. What was
-- counted until now is taken as if it began with its last.
ALTER TABLE identity_check RENAME COLUMN failed_at TO began_at;
