-- A site's event log in one SQLite file.
--
-- `application_id` ("SRlg") tells a log from any other database, `user_version` is the
-- number of the newest of these files that was applied.
PRAGMA application_id = 0x53526c67;
PRAGMA user_version = 1;

-- One row: whose log it is, how many events it holds, and the frontier of its RFC 6962
-- tree: the hashes of the perfect subtrees that tile it, 32 bytes each, leftmost first.
CREATE TABLE head (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    site     TEXT    NOT NULL,
    size     INTEGER NOT NULL CHECK (size >= 0),
    frontier BLOB    NOT NULL CHECK (length(frontier) % 32 = 0)
) STRICT;

-- One for ever: INSERT OR REPLACE would delete it without asking the delete trigger.
CREATE TRIGGER head_is_the_only_one
BEFORE INSERT ON head
WHEN EXISTS (SELECT 1 FROM head)
BEGIN
    SELECT RAISE(ABORT, 'an event log has one head');
END;

CREATE TRIGGER head_never_goes_back
BEFORE UPDATE ON head
WHEN NEW.size < OLD.size OR NEW.site IS NOT OLD.site OR NEW.one IS NOT OLD.one
BEGIN
    SELECT RAISE(ABORT, 'the head of an event log never goes back');
END;

CREATE TRIGGER head_is_never_deleted
BEFORE DELETE ON head
BEGIN
    SELECT RAISE(ABORT, 'the head of an event log is never deleted');
END;

-- The events. `body` is the truth: the exact bytes that `leaf_hash` and the tree are over.
-- The other columns repeat what it says, to index by.
CREATE TABLE event (
    position  INTEGER PRIMARY KEY,
    stream    TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    id        TEXT    NOT NULL UNIQUE,
    type      TEXT    NOT NULL,
    time_us   INTEGER NOT NULL,
    body      TEXT    NOT NULL,
    leaf_hash BLOB    NOT NULL CHECK (length(leaf_hash) = 32),
    UNIQUE (stream, version)
) STRICT;

-- Gapless, whoever writes. This also refuses INSERT OR REPLACE, which deletes rows
-- without asking the delete trigger.
CREATE TRIGGER event_is_the_next
BEFORE INSERT ON event
WHEN NEW.position IS NOT (SELECT ifnull(max(position) + 1, 0) FROM event)
  OR NEW.version IS NOT (SELECT ifnull(max(version) + 1, 0) FROM event WHERE stream = NEW.stream)
  OR EXISTS (SELECT 1 FROM event WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'an event takes the next position and its stream''s next version');
END;

CREATE TRIGGER event_is_never_changed
BEFORE UPDATE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER event_is_never_deleted
BEFORE DELETE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are never deleted');
END;

-- A projection, moved in the same transaction as the events, and made again from them at
-- any time: each stream's last event, and what it leaves to be done.
CREATE TABLE stream (
    name           TEXT    PRIMARY KEY,
    kind           TEXT    NOT NULL,
    first_position INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    next_stage     TEXT,    -- whose work it is next; NULL: nobody's
    due_at_us      INTEGER, -- not before, microseconds since 1970; NULL: at once
    standing       TEXT     -- where a booking stands; NULL for what is no booking
) STRICT, WITHOUT ROWID;

-- What is pending for a stage, by position, and what is due, by time.
CREATE INDEX stream_by_stage ON stream (next_stage, due_at_us, position) WHERE next_stage IS NOT NULL;
-- The newest of a kind: the last run, the last summary.
CREATE INDEX stream_by_kind ON stream (kind, first_position);
-- The counts of bookings, and the bookings that need a person.
CREATE INDEX stream_by_standing ON stream (standing, position, due_at_us) WHERE standing IS NOT NULL;
