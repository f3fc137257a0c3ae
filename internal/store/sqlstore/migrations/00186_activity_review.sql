-- Who signed off that they had looked at which part of the audit log, and what
-- they found (45 CFR 164.308(a)(1)(ii)(D)). Nothing deletes it.
CREATE TABLE activity_review (
    practice  TEXT   NOT NULL,
    from_at   BIGINT NOT NULL,
    until_at  BIGINT NOT NULL,
    reviewer  TEXT   NOT NULL, -- person
    note      TEXT   NOT NULL,
    signed_at BIGINT NOT NULL,
    PRIMARY KEY (practice, from_at)
);
