-- Where a one-time link was sent, sealed under the key beside the database, and
-- when that failed.
ALTER TABLE invitation ADD COLUMN contact BYTEA;
ALTER TABLE invitation ADD COLUMN failed_at BIGINT NOT NULL DEFAULT 0;
