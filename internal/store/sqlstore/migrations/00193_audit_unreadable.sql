-- Events that waited for their numbers and could not be read, as they were: the
-- operator took them out of the way of the log, which says so.
CREATE TABLE audit_unreadable (
    id           TEXT   NOT NULL PRIMARY KEY,
    practice     TEXT   NOT NULL REFERENCES practice (id),
    waited_as    BIGINT NOT NULL, -- its id in audit_pending
    at           BIGINT NOT NULL,
    salt         BYTEA  NOT NULL,
    event        BYTEA  NOT NULL, -- not as audit.Event.Encode makes it
    set_aside_at BIGINT NOT NULL
);
