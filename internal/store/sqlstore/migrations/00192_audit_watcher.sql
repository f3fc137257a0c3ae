-- Who watches each practice's audit log from outside the database, and how the
-- log contradicted what they were given.
CREATE TABLE audit_watcher (
    practice   TEXT   NOT NULL REFERENCES practice (id),
    name       TEXT   NOT NULL, -- checkpoints, archive or witness
    target     TEXT   NOT NULL, -- the folder, or the witness's public key
    begun_at   BIGINT NOT NULL,
    stopped_at BIGINT NOT NULL, -- 0 if it is set up
    damage     TEXT   NOT NULL, -- in plain words; empty if there is none, or it is settled
    damaged_at BIGINT NOT NULL,
    PRIMARY KEY (practice, name, target)
);
