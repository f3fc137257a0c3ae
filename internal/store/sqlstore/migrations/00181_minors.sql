-- Whether somebody writes for a minor, as the practice or they themselves say.
-- What was there before goes on as it did: by what they are to the other.
ALTER TABLE relation ADD COLUMN minor BIGINT NOT NULL DEFAULT 0;
UPDATE relation SET minor = 1 WHERE kind IN ('parent', 'guardian');

ALTER TABLE conversation ADD COLUMN for_minor BIGINT NOT NULL DEFAULT 0;
UPDATE conversation SET for_minor = 1 WHERE writes_for IN ('parent', 'guardian');
