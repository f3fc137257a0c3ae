-- Between which entries those are that a receiver said it did not keep.
ALTER TABLE audit_stream ADD COLUMN rejected_first BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit_stream ADD COLUMN rejected_last BIGINT NOT NULL DEFAULT 0;
