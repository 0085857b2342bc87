-- Which document root these records are of, as its `.strongroom/root-id` names it. One row.
CREATE TABLE document_root (
    one INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    id  TEXT    NOT NULL
) STRICT;
