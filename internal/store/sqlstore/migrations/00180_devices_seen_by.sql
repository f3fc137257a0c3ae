-- What has shown them: a device, or a staff person's session without one. A device
-- that is not the person's must not say for the others that it was seen.
ALTER TABLE devices_seen RENAME COLUMN person TO viewer;
