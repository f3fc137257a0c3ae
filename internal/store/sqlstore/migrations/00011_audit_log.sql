-- The log of each practice: its size and the hash of its tree.
CREATE TABLE audit_log (
    practice TEXT   NOT NULL PRIMARY KEY,
    number   BIGINT NOT NULL, -- practice.number
    size     BIGINT NOT NULL,
    root     BYTEA  NOT NULL
);

-- Its entries. All columns but leaf, salt and commitment make up the event; an
-- entry whose event was erased has neither event nor salt, and its commitment.
CREATE TABLE audit_entry (
    practice     BIGINT NOT NULL, -- practice.number
    leaf         BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    kind         TEXT   NOT NULL,
    outcome      TEXT   NOT NULL,
    role         TEXT   NOT NULL,
    person       TEXT   NOT NULL,
    device       TEXT   NOT NULL,
    object       TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    conversation TEXT   NOT NULL,
    patient      TEXT   NOT NULL,
    detail       TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    reference    TEXT   NOT NULL,
    rules        TEXT   NOT NULL, -- with a blank between
    address      TEXT   NOT NULL,
    request      TEXT   NOT NULL,
    salt         BYTEA  NOT NULL,
    commitment   BYTEA  NOT NULL,
    PRIMARY KEY (practice, leaf)
);
CREATE INDEX audit_entry_at ON audit_entry (practice, at, leaf);
CREATE INDEX audit_entry_kind ON audit_entry (practice, kind, at, leaf);
CREATE INDEX audit_entry_person ON audit_entry (practice, person, at, leaf) WHERE person <> '';
CREATE INDEX audit_entry_subject ON audit_entry (practice, subject, at, leaf) WHERE subject <> '';
CREATE INDEX audit_entry_object ON audit_entry (practice, object, at, leaf) WHERE object <> '' AND kind <> 'frame.sent' AND kind <> 'handshake.sent';
CREATE INDEX audit_entry_conversation ON audit_entry (practice, conversation, at, leaf) WHERE conversation <> '';
CREATE INDEX audit_entry_patient ON audit_entry (practice, patient, at, leaf) WHERE patient <> '';
CREATE INDEX audit_entry_outcome ON audit_entry (practice, outcome, at, leaf) WHERE outcome <> 'done';

-- The tree, in tiles of up to 256 hashes (C2SP tlog-tiles).
CREATE TABLE audit_tile (
    practice BIGINT NOT NULL, -- practice.number
    level    BIGINT NOT NULL,
    place    BIGINT NOT NULL,
    hashes   BYTEA  NOT NULL,
    PRIMARY KEY (practice, level, place)
);
