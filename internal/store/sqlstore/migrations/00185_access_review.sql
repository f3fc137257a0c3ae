-- Who confirmed that what somebody may do is right (45 CFR 164.308(a)(4)(ii)(C)),
-- and what it was then. Kept for six years at least (45 CFR 164.316(b)(2)(i)):
-- nothing deletes it.
CREATE TABLE access_review (
    practice    TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    person      TEXT   NOT NULL,
    role        TEXT   NOT NULL,
    queues      TEXT   NOT NULL, -- JSON, those given one by one
    departments TEXT   NOT NULL, -- JSON
    reviewer    TEXT   NOT NULL, -- person
    reviewed_at BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE INDEX access_review_person ON access_review (practice, person, reviewed_at);
CREATE INDEX access_review_made ON access_review (practice, reviewed_at);

-- Since when a practice's reviews are due at all: nobody was late before there
-- was a place to review.
CREATE TABLE review_start (
    practice TEXT   NOT NULL PRIMARY KEY,
    at       BIGINT NOT NULL
);
