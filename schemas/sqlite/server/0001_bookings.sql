-- The document server's records. The files themselves lie below the document root.

-- One row for each booking. A path is the bytes of a file's name relative to the document
-- root, with '/' between parts: a name need not be text.
CREATE TABLE booking (
    id               TEXT    NOT NULL PRIMARY KEY,
    state            TEXT    NOT NULL
        CHECK (state IN ('created', 'uploaded', 'signed-off', 'backed-up', 'archived', 'purged')),
    created_at_us    INTEGER NOT NULL,
    filename         TEXT,
    size_bytes       INTEGER CHECK (size_bytes >= 0),
    digest           TEXT,
    path             BLOB,
    signed_off_at_us INTEGER,
    month            TEXT, -- on the folder that the file was moved to
    moved_from       BLOB, -- where it lay before that
    moved_at_us      INTEGER,
    purge            TEXT REFERENCES purge (id),
    CHECK (state = 'created' OR (filename NOT NULL AND size_bytes NOT NULL AND digest NOT NULL AND path NOT NULL)),
    CHECK (state IN ('created', 'uploaded') OR signed_off_at_us NOT NULL),
    CHECK (state NOT IN ('archived', 'purged') OR (month NOT NULL AND moved_from NOT NULL AND moved_at_us NOT NULL)),
    CHECK ((state = 'purged') = (purge NOT NULL))
) STRICT, WITHOUT ROWID;

-- The oldest that wait are read in this index's order, however many bookings there are.
CREATE INDEX booking_waiting ON booking (signed_off_at_us, id) WHERE state = 'signed-off';
CREATE INDEX booking_state ON booking (state, id);
-- Two bookings never share a file. A purged booking has none left.
CREATE UNIQUE INDEX booking_path ON booking (path) WHERE path NOT NULL AND state <> 'purged';
-- The latest moves, which are looked at again at start.
CREATE INDEX booking_moved ON booking (moved_at_us) WHERE state = 'archived';

-- How many bookings stand where: counting a million rows takes too long for each list.
CREATE TABLE tally (
    state    TEXT    NOT NULL PRIMARY KEY,
    bookings INTEGER NOT NULL CHECK (bookings >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO tally (state, bookings)
VALUES ('created', 0), ('uploaded', 0), ('signed-off', 0), ('backed-up', 0), ('archived', 0), ('purged', 0);

CREATE TRIGGER booking_tally_insert AFTER INSERT ON booking BEGIN
    UPDATE tally SET bookings = bookings + 1 WHERE state = NEW.state;
END;

CREATE TRIGGER booking_tally_update AFTER UPDATE OF state ON booking WHEN OLD.state <> NEW.state BEGIN
    UPDATE tally SET bookings = bookings - 1 WHERE state = OLD.state;
    UPDATE tally SET bookings = bookings + 1 WHERE state = NEW.state;
END;

-- A booking's record outlives its file: nothing may take it away.
CREATE TRIGGER booking_stays BEFORE DELETE ON booking BEGIN
    SELECT RAISE(ABORT, 'a booking''s record is never deleted');
END;

-- The proven copies, the latest proof for each drive.
CREATE TABLE proof (
    booking        TEXT    NOT NULL REFERENCES booking (id),
    drive          TEXT    NOT NULL,
    digest         TEXT    NOT NULL,
    path           TEXT    NOT NULL,
    read_back      TEXT    NOT NULL CHECK (read_back IN ('direct', 'cache-dropped', 'cached')),
    proven_at_us   INTEGER NOT NULL,
    event          TEXT    NOT NULL,
    recorded_at_us INTEGER NOT NULL,
    PRIMARY KEY (booking, drive)
) STRICT, WITHOUT ROWID;

-- The purges that were approved, and by whom.
CREATE TABLE purge (
    id              TEXT    NOT NULL PRIMARY KEY,
    proposed_by     TEXT    NOT NULL,
    approved_by     TEXT    NOT NULL,
    token           TEXT    NOT NULL,
    requested_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is about to happen to a file: written before, gone once it is recorded. A row whose
-- session is over tells the next start what to look at.
--   place:   a new file goes from the session's folder to `to_path`
--   move:    a marked booking's file goes from `from_path` to `to_path`
--   purge:   an archived booking's file at `from_path` is deleted
--   discard: a file that a later upload replaced, at `from_path`, is deleted
CREATE TABLE intent (
    number           INTEGER NOT NULL PRIMARY KEY,
    session          TEXT    NOT NULL,
    kind             TEXT    NOT NULL CHECK (kind IN ('place', 'move', 'purge', 'discard')),
    booking          TEXT    NOT NULL,
    from_path        BLOB    NOT NULL,
    to_path          BLOB,
    at_us            INTEGER NOT NULL,
    month            TEXT,
    purge            TEXT REFERENCES purge (id),
    filename         TEXT,
    size_bytes       INTEGER,
    digest           TEXT,
    signed_off_at_us INTEGER,
    CHECK ((kind IN ('place', 'move')) = (to_path NOT NULL)),
    CHECK ((kind = 'move') = (month NOT NULL)),
    CHECK ((kind = 'purge') = (purge NOT NULL)),
    CHECK ((kind = 'place') = (filename NOT NULL AND size_bytes NOT NULL AND digest NOT NULL))
) STRICT;

CREATE UNIQUE INDEX intent_booking ON intent (booking);
CREATE INDEX intent_from ON intent (from_path);
CREATE INDEX intent_to ON intent (to_path) WHERE to_path NOT NULL;

-- Bearer tokens. Only a token's SHA-256 is kept: it has 256 random bits, so that no
-- slower function is needed.
CREATE TABLE token (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    sha256        BLOB    NOT NULL UNIQUE,
    scopes        TEXT    NOT NULL, -- separated by spaces
    created_at_us INTEGER NOT NULL,
    revoked_at_us INTEGER
) STRICT, WITHOUT ROWID;
