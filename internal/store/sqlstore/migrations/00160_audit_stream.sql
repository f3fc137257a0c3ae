-- How far each stream of a practice's audit log to a receiver has come.
CREATE TABLE audit_stream (
    practice   TEXT   NOT NULL REFERENCES practice (id),
    name       TEXT   NOT NULL, -- syslog or otlp
    target     TEXT   NOT NULL, -- the receiver's address, without anything secret
    position   BIGINT NOT NULL, -- number of the first entry that the receiver has not got for certain
    sent_at    BIGINT NOT NULL, -- when it last got one; 0 if it never did
    problem    TEXT   NOT NULL, -- a code; empty if there is none
    problem_at BIGINT NOT NULL, -- since when
    rejected   BIGINT NOT NULL, -- entries that it said it did not keep
    begun_at   BIGINT NOT NULL,
    stopped_at BIGINT NOT NULL, -- 0 if it is set up
    holder     TEXT   NOT NULL, -- the hub that sends
    held_until BIGINT NOT NULL, -- by the database's clock
    PRIMARY KEY (practice, name)
);
