-- The hub's tables. Ids are text, times Unix milliseconds, 0 means "not".
-- The practice leads every key, so that a distributed database can shard by
-- it; what is looked up before the practice is known has an index of its own.
-- Words that differ between engines are replaced as dialect.go says.

CREATE TABLE practice (
    id       TEXT   NOT NULL PRIMARY KEY,
    number   BIGINT NOT NULL UNIQUE, -- stands for the id where rows are many
    logs     BIGINT NOT NULL,        -- how many conversations were begun
    slug     TEXT   NOT NULL UNIQUE,
    settings TEXT   NOT NULL -- JSON
);

-- Every version of a form that was ever published.
CREATE TABLE consent_form (
    practice     TEXT    NOT NULL,
    form         TEXT    NOT NULL,
    version      BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL,
    texts        TEXT    NOT NULL, -- JSON
    PRIMARY KEY (practice, form, version)
);

CREATE TABLE person (
    practice    TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    role        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    title       TEXT   NOT NULL,
    login       TEXT,            -- NULL for patients and services
    password    TEXT   NOT NULL, -- encoded argon2id hash
    queues      TEXT   NOT NULL, -- JSON
    created_at  BIGINT NOT NULL,
    disabled_at BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE UNIQUE INDEX person_login ON person (practice, login);
CREATE INDEX person_kind ON person (practice, kind, name) WHERE kind <> 'patient';

CREATE TABLE set_up_link (
    token      BYTEA  NOT NULL PRIMARY KEY,
    practice   TEXT   NOT NULL,
    person     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);

CREATE TABLE staff_session (
    token      BYTEA  NOT NULL PRIMARY KEY,
    practice   TEXT   NOT NULL,
    person     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX staff_session_person ON staff_session (practice, person);

CREATE TABLE device (
    practice        TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    person          TEXT   NOT NULL,
    kind            TEXT   NOT NULL,
    role            TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    public_key      BYTEA  NOT NULL,
    proof_nonce     TEXT   NOT NULL,
    proof_signature BYTEA  NOT NULL,
    certificate     BYTEA, -- NULL until certified
    name_card       BYTEA,
    created_at      BIGINT NOT NULL,
    certified_at    BIGINT NOT NULL,
    revoked_at      BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE UNIQUE INDEX device_id ON device (id);
CREATE UNIQUE INDEX device_public_key ON device (practice, public_key);
CREATE INDEX device_person ON device (practice, person, created_at);
CREATE INDEX device_uncertified ON device (practice, created_at) WHERE certified_at = 0 AND revoked_at = 0;

CREATE TABLE device_session (
    token      BYTEA  NOT NULL PRIMARY KEY,
    practice   TEXT   NOT NULL,
    device     TEXT   NOT NULL,
    staff      BYTEA, -- token of the staff session it ends with
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX device_session_device ON device_session (practice, device);
CREATE INDEX device_session_staff ON device_session (staff);

-- A key package that was claimed stays as a bare reference until it would
-- have expired, so that a repeated publication cannot bring it back.
CREATE TABLE key_package (
    practice    TEXT   NOT NULL,
    device      TEXT   NOT NULL,
    ref         BYTEA  NOT NULL,
    place       BIGINT NOT NULL, -- order of publication
    data        BYTEA, -- NULL once claimed
    last_resort BIGINT NOT NULL,
    not_after   BIGINT NOT NULL,
    PRIMARY KEY (practice, device, ref)
);
CREATE INDEX key_package_place ON key_package (practice, device, place);
CREATE INDEX key_package_not_after ON key_package (not_after) WHERE not_after > 0;

CREATE TABLE conversation (
    practice     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    queue        TEXT   NOT NULL,
    language     TEXT   NOT NULL,
    patient      TEXT   NOT NULL,
    assignee     TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    waiting_from BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    closed_at    BIGINT NOT NULL,
    closed_by    TEXT   NOT NULL,
    withdrawn_at BIGINT NOT NULL,
    epoch        BIGINT NOT NULL,
    head         BIGINT NOT NULL,
    number       BIGINT NOT NULL, -- the practice's
    log          BIGINT NOT NULL, -- its frames', counted within the practice
    work_since   BIGINT NOT NULL, -- when the group began to lack what policy wants; 0 if it does not
    PRIMARY KEY (practice, id)
);
CREATE UNIQUE INDEX conversation_id ON conversation (id);
CREATE INDEX conversation_patient ON conversation (practice, patient);
CREATE INDEX conversation_waiting ON conversation (practice, queue, waiting_from, id) WHERE state = 'waiting';
CREATE INDEX conversation_state ON conversation (practice, state);
CREATE INDEX conversation_closed ON conversation (practice, last_at, id) WHERE state = 'closed';
CREATE INDEX conversation_created ON conversation (practice, created_at, id);
CREATE INDEX conversation_work ON conversation (practice, work_since) WHERE work_since > 0;

CREATE TABLE participant (
    practice     TEXT   NOT NULL,
    conversation TEXT   NOT NULL,
    person       TEXT   NOT NULL,
    place        BIGINT NOT NULL, -- order within the conversation
    wanted       BIGINT NOT NULL,
    since        BIGINT NOT NULL,
    PRIMARY KEY (practice, conversation, person)
);
CREATE INDEX participant_person ON participant (practice, person, wanted, conversation);
CREATE INDEX participant_wanted ON participant (practice, conversation, wanted, person);

CREATE TABLE member (
    practice       TEXT   NOT NULL,
    conversation   TEXT   NOT NULL,
    device         TEXT   NOT NULL,
    person         TEXT   NOT NULL,
    from_position  BIGINT NOT NULL,
    until_position BIGINT NOT NULL, -- 0 while in the group
    since          BIGINT NOT NULL,
    acked          BIGINT NOT NULL,
    PRIMARY KEY (practice, conversation, device)
);
CREATE INDEX member_device ON member (practice, device, until_position, conversation);

-- The MLS group's public state, apart from the conversation because it is
-- large and changes with handshakes alone.
CREATE TABLE mls_group (
    practice     TEXT   NOT NULL,
    conversation TEXT   NOT NULL,
    state        BYTEA  NOT NULL,
    info         BYTEA  NOT NULL,
    handshake    BIGINT NOT NULL,
    PRIMARY KEY (practice, conversation)
);

CREATE TABLE receipt (
    practice     TEXT   NOT NULL,
    conversation TEXT   NOT NULL,
    person       TEXT   NOT NULL,
    device       TEXT   NOT NULL,
    form         TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    language     TEXT   NOT NULL,
    sha256       BYTEA  NOT NULL,
    at           BIGINT NOT NULL,
    signature    BYTEA  NOT NULL,
    received_at  BIGINT NOT NULL,
    PRIMARY KEY (practice, conversation)
);

-- Frames are by far the most rows, and an append should touch few pages of the
-- disk. So their keys are small numbers, which also keeps the conversations of
-- one time together, and the client id is held to be new by a hash of it. The
-- primary key is an index beside the rows, which in SQLite is several times
-- faster to append to than rows within the key's own tree.
CREATE TABLE frame (
    practice    BIGINT NOT NULL, -- practice.number
    log         BIGINT NOT NULL, -- conversation.log
    position    BIGINT NOT NULL,
    sent        BYTEA  NOT NULL, -- of device and client id: SHA-256, the first half
    kind        TEXT   NOT NULL,
    epoch       BIGINT NOT NULL,
    device      TEXT   NOT NULL,
    person      TEXT   NOT NULL,
    client_id   TEXT   NOT NULL,
    received_at BIGINT NOT NULL,
    payload     BYTEA  NOT NULL,
    PRIMARY KEY (practice, log, position)
);
CREATE UNIQUE INDEX frame_sent ON frame (practice, log, sent);

CREATE TABLE welcome (
    practice     TEXT   NOT NULL,
    device       TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    conversation TEXT   NOT NULL,
    position     BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    payload      BYTEA  NOT NULL,
    PRIMARY KEY (practice, device, id)
);

CREATE TABLE attachment (
    practice     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    conversation TEXT   NOT NULL,
    device       TEXT   NOT NULL,
    size         BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    completed_at BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE INDEX attachment_pending ON attachment (practice, conversation) WHERE completed_at = 0;
