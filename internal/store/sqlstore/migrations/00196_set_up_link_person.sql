-- +goose Up
-- The links of a person end together.
CREATE INDEX set_up_link_person ON set_up_link (practice, person);
