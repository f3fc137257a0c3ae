-- A patient's passkey: the device that introduced it, and the record that its
-- owner was matched with then.
ALTER TABLE factor ADD COLUMN introduced_by TEXT NOT NULL DEFAULT ''; -- JSON
ALTER TABLE factor ADD COLUMN record TEXT NOT NULL DEFAULT ''; -- id in the roster; empty if none
