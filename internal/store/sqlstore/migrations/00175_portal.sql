-- Accounts of the practice's portal that patients signed in with. The account
-- is a keyed hash of issuer and subject: the database tells neither.
CREATE TABLE portal_account (
    practice TEXT   NOT NULL,
    account  BYTEA  NOT NULL,
    record   TEXT,            -- id in the roster; NULL while nobody has said whose it is
    person   TEXT   NOT NULL, -- who last signed in with it
    device   TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    staff    TEXT   NOT NULL, -- who said whose it is, or that it is not theirs; empty if a number did
    PRIMARY KEY (practice, account)
);
CREATE UNIQUE INDEX portal_account_record ON portal_account (practice, record);
CREATE INDEX portal_account_person ON portal_account (practice, person, at);
CREATE INDEX verification_record ON verification (practice, record);
