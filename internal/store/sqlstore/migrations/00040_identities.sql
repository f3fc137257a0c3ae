-- People sign in at their practice's OpenID provider. Who is who there is known
-- by issuer and subject, never by an address or a name.
CREATE TABLE identity_link (
    practice   TEXT   NOT NULL,
    issuer     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    person     TEXT   NOT NULL,
    way        TEXT   NOT NULL, -- how it was linked
    created_at BIGINT NOT NULL,
    PRIMARY KEY (practice, issuer, subject)
);
CREATE UNIQUE INDEX identity_link_person ON identity_link (practice, person, issuer);

ALTER TABLE staff_session ADD COLUMN issuer TEXT NOT NULL DEFAULT ''; -- empty unless signed in at a provider
ALTER TABLE staff_session ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE staff_session ADD COLUMN sid TEXT NOT NULL DEFAULT '';
ALTER TABLE staff_session ADD COLUMN hint BYTEA; -- the ID token, sealed
CREATE INDEX staff_session_subject ON staff_session (practice, issuer, subject) WHERE issuer <> '';

ALTER TABLE person ADD COLUMN external_id TEXT; -- the directory's id of a person that it keeps; NULL for others
CREATE UNIQUE INDEX person_external_id ON person (practice, external_id);
