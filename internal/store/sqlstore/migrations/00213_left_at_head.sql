-- Where the log ended when somebody was no longer wanted in a chat: while their
-- device is in the group still, they are handed nothing that is said later.
ALTER TABLE participant ADD COLUMN left_at_head BIGINT NOT NULL DEFAULT 0;
UPDATE participant SET left_at_head = (
    SELECT c.head FROM conversation c WHERE c.practice = participant.practice AND c.id = participant.conversation
) WHERE wanted = 0;
