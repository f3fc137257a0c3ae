-- Whether a person was let into a chat as anybody is, and not by an emergency:
-- who was took part. Of before this, the times say it.
ALTER TABLE participant ADD COLUMN proper BIGINT NOT NULL DEFAULT 0;
