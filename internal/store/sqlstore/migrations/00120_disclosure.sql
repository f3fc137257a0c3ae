-- What left the practice of a patient's, where the patient may ask for an
-- account of it (45 CFR 164.528). Kept for six years at least: nothing deletes
-- it; what was written down by mistake is struck and stays.
CREATE TABLE disclosure (
    practice    TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    patient     TEXT   NOT NULL,
    at          BIGINT NOT NULL, -- when it was disclosed
    recorded_at BIGINT NOT NULL,
    person      TEXT   NOT NULL, -- who wrote it down; empty for an operator
    source      TEXT   NOT NULL, -- hand, or record: the sealed record was opened for it
    recipient   TEXT   NOT NULL, -- name
    address     TEXT   NOT NULL, -- of the recipient, if known
    what        TEXT   NOT NULL, -- a brief description
    purpose     TEXT   NOT NULL, -- a code
    struck_at   BIGINT NOT NULL, -- 0 while it stands
    struck_by   TEXT   NOT NULL,
    struck_why  TEXT   NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE INDEX disclosure_patient ON disclosure (practice, patient, at, id);
