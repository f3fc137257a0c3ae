-- Events wait here, each since the transaction that did what it records, until
-- they get their number in the practice's log.
CREATE TABLE audit_pending (
    id       BIGSERIAL NOT NULL PRIMARY KEY,
    practice TEXT      NOT NULL,
    salt     BYTEA     NOT NULL,
    event    BYTEA     NOT NULL -- as audit.Event.Encode makes it
);
