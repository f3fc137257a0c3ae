-- failures counts wrong codes after the right password, no longer wrong
-- passwords, and known_failures those from browsers that the person has signed
-- in from.
ALTER TABLE person ADD COLUMN known_failures BIGINT NOT NULL DEFAULT 0;
UPDATE person SET failures = 0 WHERE failures > 0;
