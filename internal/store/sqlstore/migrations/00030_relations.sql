-- Who may act for whom, which persons are one, and one-time links to begin a
-- chat with. No name and no contact is here.

CREATE TABLE relation (
    practice     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    holder       TEXT   NOT NULL, -- person who acts
    subject      TEXT   NOT NULL, -- person for whom
    kind         TEXT   NOT NULL,
    queues       TEXT   NOT NULL, -- JSON; empty means all
    evidence     TEXT   NOT NULL,
    starts_at    BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL, -- 0: open; moved to the past when it is taken back
    granted_by   TEXT   NOT NULL,
    approved_by  TEXT   NOT NULL,
    granted_at   BIGINT NOT NULL,
    ended_by     TEXT   NOT NULL, -- empty unless taken back
    end_reason   TEXT   NOT NULL,
    settled      BIGINT NOT NULL, -- 1 once its end has been carried out
    PRIMARY KEY (practice, id)
);
CREATE INDEX relation_holder ON relation (practice, holder);
CREATE INDEX relation_subject ON relation (practice, subject);
CREATE INDEX relation_ends ON relation (ends_at) WHERE settled = 0 AND ends_at > 0;

ALTER TABLE conversation ADD COLUMN writes_for TEXT NOT NULL DEFAULT '';
ALTER TABLE conversation ADD COLUMN relation TEXT NOT NULL DEFAULT '';
ALTER TABLE conversation ADD COLUMN confidential BIGINT NOT NULL DEFAULT 0;
CREATE INDEX conversation_relation ON conversation (practice, relation) WHERE relation <> '';

CREATE TABLE person_link (
    practice  TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    person    TEXT   NOT NULL,
    other     TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    linked_by TEXT   NOT NULL,
    linked_at BIGINT NOT NULL,
    undone_by TEXT   NOT NULL,
    undone_at BIGINT NOT NULL, -- 0 while it stands
    PRIMARY KEY (practice, id)
);
CREATE UNIQUE INDEX person_link_pair ON person_link (practice, person, other) WHERE undone_at = 0;
CREATE INDEX person_link_person ON person_link (practice, person);
CREATE INDEX person_link_other ON person_link (practice, other);

CREATE TABLE invitation (
    practice     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    token        BYTEA  NOT NULL, -- SHA-256
    holder       BYTEA,           -- SHA-256; NULL until it was opened
    queue        TEXT   NOT NULL,
    language     TEXT   NOT NULL,
    level        TEXT   NOT NULL,
    staff        TEXT   NOT NULL,
    channel      TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    opened_at    BIGINT NOT NULL,
    used_at      BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL,
    conversation TEXT   NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE UNIQUE INDEX invitation_token ON invitation (token);
CREATE INDEX invitation_conversation ON invitation (practice, conversation) WHERE conversation <> '';
CREATE INDEX invitation_staff ON invitation (practice, staff, created_at);
