-- Records that staff said are somebody else's than a patient's: nothing from
-- before, as a passkey, brings one back.
CREATE TABLE wrong_record (
    practice TEXT   NOT NULL,
    person   TEXT   NOT NULL,
    record   TEXT   NOT NULL, -- id in the roster
    staff    TEXT   NOT NULL, -- who said so
    at       BIGINT NOT NULL,
    PRIMARY KEY (practice, person, record)
);
