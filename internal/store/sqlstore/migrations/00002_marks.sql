-- What a conversation is marked with, and in which order its states came.
ALTER TABLE conversation ADD COLUMN left_message BIGINT NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN rating BIGINT NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
