-- A practice's directory keeps its people here by SCIM: its tokens, its groups
-- and who is in them.
CREATE TABLE directory_token (
    token      BYTEA  NOT NULL PRIMARY KEY,
    practice   TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX directory_token_id ON directory_token (practice, id);

CREATE TABLE directory_group (
    practice    TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    external_id TEXT   NOT NULL,
    members     TEXT   NOT NULL, -- JSON: ids of persons
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE UNIQUE INDEX directory_group_name ON directory_group (practice, name);
