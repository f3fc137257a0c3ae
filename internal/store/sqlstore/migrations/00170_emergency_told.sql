-- Who has to be told of an emergency access follows from the queue that the
-- chat was in. Those that nobody has looked at are asked for often.
ALTER TABLE emergency ADD COLUMN queue TEXT NOT NULL DEFAULT '';
UPDATE emergency SET queue = COALESCE(
    (SELECT c.queue FROM conversation c WHERE c.practice = emergency.practice AND c.id = emergency.conversation), '');
CREATE INDEX emergency_unreviewed ON emergency (practice, verdict, opened_at);
