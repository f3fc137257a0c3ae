-- How far the practice knows who a patient is: a row for each level that a
-- device has reached. A level belongs to the device that proved it.
CREATE TABLE verification (
    practice  TEXT   NOT NULL,
    person    TEXT   NOT NULL,
    device    TEXT   NOT NULL,
    level     TEXT   NOT NULL,
    method    TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    lapses_at BIGINT NOT NULL,
    record    TEXT   NOT NULL, -- id in the roster; empty unless matched
    staff     TEXT   NOT NULL, -- person who vouched; empty if none did
    reason    TEXT   NOT NULL, -- why they could
    PRIMARY KEY (practice, device, level)
);
CREATE INDEX verification_person ON verification (practice, person);
CREATE INDEX verification_lapses ON verification (lapses_at);
