-- Of whom it is said that they agreed to a grant is told of it.
CREATE INDEX relation_approved ON relation (practice, approved_by, granted_at);
