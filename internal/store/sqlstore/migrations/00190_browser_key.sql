-- The key of the browser that a staff session was opened in: SHA-256, base64url.
-- Empty if the browser had none to show.
ALTER TABLE staff_session ADD COLUMN browser_key TEXT NOT NULL DEFAULT '';
