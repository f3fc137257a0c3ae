-- Who has seen them: a staff person, or one device of a patient, for a device
-- that is not theirs must not say for the others that it was seen.
ALTER TABLE devices_seen RENAME COLUMN person TO viewer;
