-- Whom the practice disabled, its directory does not enable. Who disabled whom
-- until now is in the log; where that says nothing, it was the practice.
ALTER TABLE person ADD COLUMN disabled_by_directory BIGINT NOT NULL DEFAULT 0; -- 1: yes; always 0 while enabled
UPDATE person SET disabled_by_directory = 1
WHERE kind = 'staff' AND disabled_at <> 0 AND COALESCE((
    SELECT e.role FROM audit_entry e
    WHERE e.practice = (SELECT number FROM practice WHERE practice.id = person.practice) AND e.object = person.id AND e.object <> '' AND e.kind <> 'frame.sent' AND e.kind <> 'handshake.sent' AND e.person = '' AND e.outcome = 'done'
        AND (e.kind = 'person.disabled' OR e.kind = 'person.added' AND person.disabled_at = person.created_at)
    ORDER BY e.leaf DESC LIMIT 1), '') = 'service';
