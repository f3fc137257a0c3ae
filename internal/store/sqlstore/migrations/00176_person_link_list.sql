-- Why somebody undid a link of two persons, and all links in order of time.
ALTER TABLE person_link ADD COLUMN undone_for TEXT NOT NULL DEFAULT '';
CREATE INDEX person_link_time ON person_link (practice, linked_at, id) WHERE linked_at > 0; -- so that only the list uses it
