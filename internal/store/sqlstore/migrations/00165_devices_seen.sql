-- Until when a person has seen which devices were certified for them.
CREATE TABLE devices_seen (
    practice TEXT   NOT NULL,
    person   TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (practice, person)
);
