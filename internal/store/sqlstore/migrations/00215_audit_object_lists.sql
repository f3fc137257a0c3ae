-- What else is asked for of a thing or a person is in their index: a device that
-- is let in everywhere has entries all over the log, and reading each from its
-- row took seconds.
DROP INDEX audit_entry_object;
DROP INDEX audit_entry_subject;
CREATE INDEX audit_entry_object ON audit_entry (practice, object, at, leaf, kind, person, outcome, subject) WHERE object <> '' AND kind <> 'frame.sent' AND kind <> 'handshake.sent';
CREATE INDEX audit_entry_subject ON audit_entry (practice, subject, at, leaf, kind, person, outcome) WHERE subject <> '';
