-- A stream's row says where its subject stands, whatever its kind, and which partition its work is bound to.
--
-- What the new columns hold follows from the events: whoever applies this fills them in the same transaction. Until
-- then, and for a stream whose last event cannot be read, the row says what it said.
PRAGMA user_version = 2;

DROP INDEX stream_by_stage;
DROP INDEX stream_by_kind;
DROP INDEX stream_by_standing;
ALTER TABLE stream RENAME TO old_stream;

CREATE TABLE stream (
    name           TEXT    PRIMARY KEY,
    kind           TEXT    NOT NULL,
    first_position INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    next_stage     TEXT,    -- whose work it is next; NULL: nobody's
    due_at_us      INTEGER, -- not before, microseconds since 1970; NULL: at once
    status         TEXT,    -- where its subject stands; NULL where nobody asks
    partition      TEXT     -- the only place where its work can be done; NULL: anywhere
) STRICT, WITHOUT ROWID;

INSERT INTO stream (name, kind, first_position, position, version, next_stage, due_at_us, status)
SELECT name, kind, first_position, position, version, next_stage, due_at_us, standing FROM old_stream;
DROP TABLE old_stream;

-- What is pending for a stage, by position, and what is due, by time; of one partition or of all.
CREATE INDEX stream_by_stage ON stream (next_stage, due_at_us, position, partition) WHERE next_stage IS NOT NULL;
-- The newest of a kind.
CREATE INDEX stream_by_kind ON stream (kind, first_position);
-- How many subjects of a kind have which status, and which.
CREATE INDEX stream_by_status ON stream (kind, status, position) WHERE status IS NOT NULL;
