-- What a token is for: the practice's directory, or a monitor of its log.
ALTER TABLE directory_token ADD COLUMN purpose TEXT NOT NULL DEFAULT 'directory';
