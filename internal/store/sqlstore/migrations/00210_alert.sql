-- What in the audit log should be looked at (45 CFR 164.308(a)(1)(ii)(D)), how
-- far the log was searched for it, and which patients are watched. Alerts are
-- never deleted.
CREATE TABLE alert (
    practice    TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    rule        TEXT   NOT NULL,
    person      TEXT   NOT NULL, -- whom it is about
    patient     TEXT   NOT NULL, -- or empty
    day         TEXT   NOT NULL, -- where the practice is
    at          BIGINT NOT NULL,
    leaf        BIGINT NOT NULL, -- number of the entry at which it was noticed
    counted     BIGINT NOT NULL,
    raised_at   BIGINT NOT NULL,
    verdict     TEXT   NOT NULL, -- empty until somebody looked
    note        TEXT   NOT NULL,
    reviewer    TEXT   NOT NULL,
    reviewed_at BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE INDEX alert_raised ON alert (practice, raised_at, id);
CREATE INDEX alert_open ON alert (practice, raised_at, id) WHERE verdict = '';

CREATE TABLE patient_watch (
    practice TEXT   NOT NULL,
    id       TEXT   NOT NULL,
    patient  TEXT   NOT NULL, -- person
    person   TEXT   NOT NULL, -- who is to stay away; empty watches for everybody
    reason   TEXT   NOT NULL, -- a code
    added_by TEXT   NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (practice, id),
    UNIQUE (practice, patient, person)
);

CREATE TABLE audit_searched (
    practice TEXT   NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL, -- number of the next entry
    state    TEXT   NOT NULL  -- what is remembered of the staff, JSON
);
