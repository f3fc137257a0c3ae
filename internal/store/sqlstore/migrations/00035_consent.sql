-- Forms have kinds and a life before they are published; receipts are of
-- kinds, in order, and can be taken back one by one.

ALTER TABLE consent_form ADD COLUMN kind TEXT NOT NULL DEFAULT 'chat';
ALTER TABLE consent_form ADD COLUMN state TEXT NOT NULL DEFAULT 'published';
ALTER TABLE consent_form ADD COLUMN record TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE consent_form ADD COLUMN declined BIGINT NOT NULL DEFAULT 0;
UPDATE consent_form SET state = 'superseded' WHERE EXISTS (
    SELECT 1 FROM consent_form o
    WHERE o.practice = consent_form.practice AND o.form = consent_form.form AND o.version > consent_form.version);

-- From when on the patient has to agree again; 0 means not.
ALTER TABLE conversation ADD COLUMN consent_due BIGINT NOT NULL DEFAULT 0;

ALTER TABLE practice ADD COLUMN receipts BIGINT NOT NULL DEFAULT 0; -- how many were taken

CREATE TABLE consent_receipt (
    practice     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    name         TEXT   NOT NULL, -- hash of what was signed
    sequence     BIGINT NOT NULL,
    person       TEXT   NOT NULL,
    conversation TEXT   NOT NULL, -- empty for what goes beyond one
    device       TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    form         TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    language     TEXT   NOT NULL,
    sha256       BYTEA  NOT NULL,
    method       TEXT   NOT NULL, -- empty on those of before there were kinds
    at           BIGINT NOT NULL,
    signature    BYTEA  NOT NULL,
    received_at  BIGINT NOT NULL,
    withdrawn_at BIGINT NOT NULL,
    PRIMARY KEY (practice, id)
);
CREATE UNIQUE INDEX consent_receipt_name ON consent_receipt (practice, name);
CREATE UNIQUE INDEX consent_receipt_sequence ON consent_receipt (practice, sequence);
CREATE INDEX consent_receipt_person ON consent_receipt (practice, person, sequence);
CREATE INDEX consent_receipt_conversation ON consent_receipt (practice, conversation, sequence);
CREATE INDEX consent_receipt_form ON consent_receipt (practice, form, version, sequence);

INSERT INTO consent_receipt (practice, id, name, sequence, person, conversation, device, kind, form, version, language,
    sha256, method, at, signature, received_at, withdrawn_at)
SELECT r.practice, 'r_' || substr(r.conversation, 3), 'first ' || r.conversation,
    row_number() OVER (PARTITION BY r.practice ORDER BY r.received_at, r.conversation),
    r.person, r.conversation, r.device, '', r.form, r.version, r.language, r.sha256, '', r.at, r.signature, r.received_at,
    coalesce((SELECT c.withdrawn_at FROM conversation c WHERE c.practice = r.practice AND c.id = r.conversation), 0)
FROM receipt r;
UPDATE practice SET receipts = (SELECT count(*) FROM consent_receipt r WHERE r.practice = practice.id);
DROP TABLE receipt;
