-- What the hubs of one database share, and no practice owns.

CREATE TABLE hub_secret (
    name  TEXT  NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

-- Nonces of challenges that were used, until they would have expired.
CREATE TABLE spent_nonce (
    nonce      BYTEA  NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX spent_nonce_expiry ON spent_nonce (expires_at);
