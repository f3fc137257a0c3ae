-- What came of asking each witness to sign the head of a practice's log.
CREATE TABLE audit_witness (
    practice TEXT   NOT NULL REFERENCES practice (id),
    witness  TEXT   NOT NULL, -- its public key, as text
    size     BIGINT NOT NULL, -- of the log when it last signed; 0 if it never did
    at       BIGINT NOT NULL, -- when, by its clock; 0 if it never did
    signed   BYTEA  NOT NULL, -- the checkpoint with its signature
    tried_at BIGINT NOT NULL,
    problem  TEXT   NOT NULL, -- a code; empty if it signed
    PRIMARY KEY (practice, witness)
);
