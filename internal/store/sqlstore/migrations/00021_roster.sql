-- What the practice has on file of its patients, sealed by a key that is not
-- in the database. born, number and facts are keyed hashes, to look up by.
CREATE TABLE roster_entry (
    practice TEXT  NOT NULL,
    id       TEXT  NOT NULL,
    number   BYTEA NOT NULL,
    born     BYTEA NOT NULL,
    facts    TEXT  NOT NULL, -- JSON: kind to hash
    sealed   BYTEA NOT NULL,
    pin      BYTEA NOT NULL, -- slow hash; empty if none was issued
    PRIMARY KEY (practice, id)
);
CREATE UNIQUE INDEX roster_entry_number ON roster_entry (practice, number);
CREATE INDEX roster_entry_born ON roster_entry (practice, born, id);

-- One-time codes that were sent to a contact, for one device each.
CREATE TABLE contact_code (
    practice   TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    device     TEXT   NOT NULL,
    channel    TEXT   NOT NULL,
    contact    BYTEA  NOT NULL, -- keyed hash
    sealed     BYTEA  NOT NULL, -- the contact
    code       BYTEA  NOT NULL, -- keyed hash
    tries      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE INDEX contact_code_device ON contact_code (practice, device, created_at);
CREATE INDEX contact_code_expires ON contact_code (expires_at);

-- How often wrong facts were given, by a device or about a date of birth, and
-- that staff have asked a person who they are.
CREATE TABLE identity_check (
    practice  TEXT   NOT NULL,
    subject   TEXT   NOT NULL, -- device, person or keyed hash of a date
    failures  BIGINT NOT NULL,
    failed_at BIGINT NOT NULL,
    asked_at  BIGINT NOT NULL,
    PRIMARY KEY (practice, subject)
);
