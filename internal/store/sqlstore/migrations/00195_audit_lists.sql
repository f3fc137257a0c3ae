-- What else is asked for of a conversation or a patient is in the index: an
-- endless one has entries all over the log.
DROP INDEX audit_entry_conversation;
DROP INDEX audit_entry_patient;
CREATE INDEX audit_entry_conversation ON audit_entry (practice, conversation, at, leaf, kind, person, outcome) WHERE conversation <> '';
CREATE INDEX audit_entry_patient ON audit_entry (practice, patient, at, leaf, kind, person, outcome) WHERE patient <> '';
