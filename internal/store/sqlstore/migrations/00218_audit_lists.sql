-- A thing or a person asked for of a conversation or a patient is in their index
-- too: of an endless chat each entry was read from its row.
DROP INDEX audit_entry_conversation;
DROP INDEX audit_entry_patient;
CREATE INDEX audit_entry_conversation ON audit_entry (practice, conversation, at, leaf, kind, person, outcome, object, subject) WHERE conversation <> '';
CREATE INDEX audit_entry_patient ON audit_entry (practice, patient, at, leaf, kind, person, outcome, object, subject) WHERE patient <> '';
