-- What one person may not do alone (45 CFR 164.308(a)(4)(ii)(B)-(C)): who asked,
-- for whom, and what somebody else answered. Kept for six years at least (45 CFR
-- 164.316(b)(2)(i)): nothing deletes it.
CREATE TABLE grant_request (
    practice     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    kind         TEXT   NOT NULL, -- role or link
    person       TEXT   NOT NULL, -- for whom
    role         TEXT   NOT NULL, -- of kind role
    was          TEXT   NOT NULL, -- the person's role when it was asked
    requester    TEXT   NOT NULL, -- person; empty for the practice's directory
    reason       TEXT   NOT NULL, -- what the requester wrote
    requested_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    decision     TEXT   NOT NULL, -- approve, refuse, withdraw; empty until then
    decider      TEXT   NOT NULL, -- person; empty at the server
    decided_at   BIGINT NOT NULL,
    note         TEXT   NOT NULL,
    used_at      BIGINT NOT NULL, -- when the link was made; 0 until then
    PRIMARY KEY (practice, id)
);
CREATE INDEX grant_request_made ON grant_request (practice, requested_at);
CREATE INDEX grant_request_person ON grant_request (practice, person, requested_at);
CREATE INDEX grant_request_open ON grant_request (practice, decision, expires_at);
