-- Staff who take a patient's account at the portal back take its record from the
-- passkeys that say it.
CREATE INDEX factor_record ON factor (practice, record);
