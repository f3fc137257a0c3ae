-- People whose groups, or the rules for these, have changed and who have not
-- been made what they say since.
CREATE TABLE directory_follower (
    practice TEXT   NOT NULL,
    person   TEXT   NOT NULL,
    had      BIGINT NOT NULL, -- 1: was in a group that changed
    mark     BIGINT NOT NULL, -- of the last change
    PRIMARY KEY (practice, person)
);
