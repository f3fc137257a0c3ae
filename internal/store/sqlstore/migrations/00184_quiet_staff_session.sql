-- Sessions that have locked by themselves are looked for, to record it.
CREATE INDEX staff_session_quiet ON staff_session (used_at) WHERE locked_at = 0;
