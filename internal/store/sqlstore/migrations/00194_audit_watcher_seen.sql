-- When a hub last said that it has the watcher: it has stopped when none does.
ALTER TABLE audit_watcher ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
