-- What was found of the controls of a practice, look by look. Kept for six
-- years at least (45 CFR 164.316(b)(2)(i)): nothing deletes it.
CREATE TABLE control_run (
    practice       TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    at             BIGINT NOT NULL,
    version        TEXT   NOT NULL, -- of the program that looked
    met            BIGINT NOT NULL,
    decision       BIGINT NOT NULL,
    short          BIGINT NOT NULL,
    not_applicable BIGINT NOT NULL,
    results        TEXT   NOT NULL, -- JSON
    PRIMARY KEY (practice, id)
);
CREATE INDEX control_run_at ON control_run (practice, at);
