-- Since when an event waits for its number, also if it cannot be read. What
-- waits while the program is replaced has waited for ever, for a second.
ALTER TABLE audit_pending ADD COLUMN at BIGINT NOT NULL DEFAULT 0;
