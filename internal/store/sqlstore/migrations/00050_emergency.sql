-- Whenever somebody broke the glass: went into a chat that was closed to them,
-- in an emergency (45 CFR 164.312(a)(2)(ii)). Kept for six years at least
-- (45 CFR 164.316(b)(2)(i)): nothing deletes it.
CREATE TABLE emergency (
    practice     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    conversation TEXT   NOT NULL,
    patient      TEXT   NOT NULL,
    person       TEXT   NOT NULL,
    reason       TEXT   NOT NULL, -- a code
    words        TEXT   NOT NULL, -- what the person wrote
    opened_at    BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL, -- 0 while it lasts
    due_at       BIGINT NOT NULL, -- when it should have been looked at
    verdict      TEXT   NOT NULL, -- empty until it was
    note         TEXT   NOT NULL,
    reviewer     TEXT   NOT NULL,
    reviewed_at  BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE INDEX emergency_opened ON emergency (practice, opened_at);
CREATE INDEX emergency_lasting ON emergency (practice, ended_at, opened_at);
CREATE INDEX emergency_ending ON emergency (ended_at, ends_at);
