-- What staff asked to have made under a key of theirs, so that it is made once.
-- A row is kept for a day.
CREATE TABLE request_key (
    id      BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of the practice, person, route and key
    request BYTEA  NOT NULL, -- SHA-256 of what was asked for
    object  TEXT   NOT NULL, -- id of what was made
    at      BIGINT NOT NULL,
    answer  TEXT   NOT NULL  -- JSON; '' while it is not noted, '-' if it holds a secret
);
CREATE INDEX request_key_at ON request_key (at);
