-- Staff sign in with two factors. Whoever was signed in with a password alone
-- is signed out, and asks for a set-up link.
DELETE FROM device_session WHERE staff IS NOT NULL;
DROP INDEX device_session_staff;
ALTER TABLE device_session DROP COLUMN staff;
ALTER TABLE device_session ADD COLUMN staff TEXT NOT NULL DEFAULT ''; -- id of the staff session it ends with
CREATE INDEX device_session_staff ON device_session (staff);
DROP TABLE staff_session;
CREATE TABLE staff_session (
    token      BYTEA  NOT NULL PRIMARY KEY,
    id         TEXT   NOT NULL,
    practice   TEXT   NOT NULL,
    person     TEXT   NOT NULL,
    device     TEXT   NOT NULL, -- empty until it speaks for one
    method     TEXT   NOT NULL,
    browser    TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    proved_at  BIGINT NOT NULL,
    locked_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX staff_session_id ON staff_session (id);
CREATE INDEX staff_session_person ON staff_session (practice, person, created_at);
CREATE INDEX staff_session_expires ON staff_session (expires_at);

ALTER TABLE person ADD COLUMN password_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN voucher TEXT NOT NULL DEFAULT ''; -- JSON

CREATE TABLE factor (
    practice     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    person       TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    credential   BYTEA,           -- a passkey's id; NULL for an app
    public_key   BYTEA  NOT NULL, -- a passkey's
    secret       BYTEA  NOT NULL, -- an app's, sealed
    counter      BIGINT NOT NULL,
    synced       BIGINT NOT NULL,
    introduction TEXT   NOT NULL, -- JSON
    created_at   BIGINT NOT NULL,
    used_at      BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE UNIQUE INDEX factor_credential ON factor (practice, credential);
CREATE INDEX factor_person ON factor (practice, person, created_at);

CREATE TABLE recovery_code (
    practice TEXT  NOT NULL,
    person   TEXT  NOT NULL,
    hash     BYTEA NOT NULL,
    salt     BYTEA NOT NULL,
    PRIMARY KEY (practice, person, hash)
);

CREATE TABLE sign_in (
    practice TEXT   NOT NULL,
    id       TEXT   NOT NULL,
    person   TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    method   TEXT   NOT NULL,
    outcome  TEXT   NOT NULL,
    browser  TEXT   NOT NULL,
    address  TEXT   NOT NULL,
    stranger BIGINT NOT NULL, -- from a browser that was not known
    seen     BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE INDEX sign_in_person ON sign_in (practice, person, at);
CREATE INDEX sign_in_at ON sign_in (at);

CREATE TABLE known_browser (
    token      BYTEA  NOT NULL PRIMARY KEY,
    practice   TEXT   NOT NULL,
    person     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX known_browser_person ON known_browser (practice, person);
CREATE INDEX known_browser_expires ON known_browser (expires_at);
