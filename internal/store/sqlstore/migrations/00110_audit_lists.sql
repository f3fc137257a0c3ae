-- Each list of the audit log comes from an index in the list's own order, or
-- from a few that are merged: whatever is asked for, no list walks over what it
-- does not show. Who acts most, and what is done most, are most of the log.
DROP INDEX audit_entry_kind;
DROP INDEX audit_entry_person;
DROP INDEX audit_entry_outcome;
CREATE INDEX audit_entry_kind ON audit_entry (practice, kind, outcome, at, leaf);
CREATE INDEX audit_entry_person ON audit_entry (practice, person, kind, at, leaf, outcome) WHERE person <> '';
CREATE INDEX audit_entry_outcome ON audit_entry (practice, outcome, person, at, leaf, kind) WHERE outcome <> 'done';
