-- The practice's departments, the queues that belong to them, and the people who
-- are in them. A queue belongs to one department at most.
CREATE TABLE department (
    practice   TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT NOT NULL, -- 0 while it is there
    PRIMARY KEY (practice, id)
);

CREATE TABLE department_queue (
    practice   TEXT NOT NULL,
    queue      TEXT NOT NULL,
    department TEXT NOT NULL,
    PRIMARY KEY (practice, queue)
);
CREATE INDEX department_queue_department ON department_queue (practice, department);

CREATE TABLE department_person (
    practice   TEXT NOT NULL,
    person     TEXT NOT NULL,
    department TEXT NOT NULL,
    PRIMARY KEY (practice, person, department)
);
CREATE INDEX department_person_department ON department_person (practice, department);
