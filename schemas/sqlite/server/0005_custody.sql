-- Why a purge was proposed, how many bookings it names, and the sizes of their files at that time.
ALTER TABLE proposal ADD COLUMN reason TEXT;
ALTER TABLE proposal ADD COLUMN items INTEGER NOT NULL DEFAULT 0;
ALTER TABLE proposal ADD COLUMN size_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE proposal SET items = json_array_length(bookings), size_bytes = (
    SELECT coalesce(sum(booking.size_bytes), 0) FROM booking WHERE id IN (SELECT value FROM json_each(bookings))
);

CREATE INDEX proposal_time ON proposal (proposed_at_us, id);

-- A row of `purge` is an approval. The purges that were refused: they never run, approved or not.
CREATE TABLE refusal (
    purge         TEXT    NOT NULL PRIMARY KEY REFERENCES proposal (id),
    refused_by    TEXT    NOT NULL,
    token         TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    refused_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The files that purges deleted. A row stays when the file is put back: a purge deletes a file once.
CREATE TABLE deletion (
    purge         TEXT    NOT NULL REFERENCES purge (id),
    booking       TEXT    NOT NULL REFERENCES booking (id),
    size_bytes    INTEGER NOT NULL,
    deleted_at_us INTEGER, -- empty where an earlier version recorded it
    PRIMARY KEY (purge, booking)
) STRICT, WITHOUT ROWID;

CREATE INDEX deletion_booking ON deletion (booking);

INSERT INTO deletion (purge, booking, size_bytes) SELECT purge, id, size_bytes FROM booking WHERE state = 'purged';

-- The archived files that were put back from a copy: from which drive, and after which purge, if any.
CREATE TABLE restoration (
    number         INTEGER NOT NULL PRIMARY KEY,
    booking        TEXT    NOT NULL REFERENCES booking (id),
    restored_at_us INTEGER NOT NULL,
    drive          TEXT,
    purge          TEXT REFERENCES purge (id)
) STRICT;

CREATE INDEX restoration_booking ON restoration (booking, number);

-- How a proof was checked: the site's key, the event's position and the checkpoint's size; and the copy's SHA-256, as
-- its event has it. Empty where the server had no key, or an earlier version recorded it.
ALTER TABLE proof ADD COLUMN site_key TEXT;
ALTER TABLE proof ADD COLUMN position INTEGER;
ALTER TABLE proof ADD COLUMN checkpoint_size INTEGER;
ALTER TABLE proof ADD COLUMN sha256 TEXT;

-- The largest checkpoint that each key signed; and one of its size with another root, which says that the log was
-- forked: then the key proves nothing.
CREATE TABLE checkpoint (
    site_key   TEXT    NOT NULL PRIMARY KEY,
    size       INTEGER NOT NULL,
    note       TEXT    NOT NULL,
    seen_at_us INTEGER NOT NULL,
    fork       TEXT
) STRICT, WITHOUT ROWID;

-- A further kind of intent, for which SQLite has to make the table anew.
--   restore: the recorded bytes go from the session's folder to `to_path`; where `replaces`, a damaged file there is
--            kept beside it
CREATE TABLE intent_anew (
    number           INTEGER NOT NULL PRIMARY KEY,
    session          TEXT    NOT NULL,
    kind             TEXT    NOT NULL CHECK (kind IN ('place', 'move', 'purge', 'discard', 'restore')),
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
    stamp            TEXT,
    drive            TEXT,
    replaces         INTEGER,
    CHECK ((kind IN ('place', 'move', 'restore')) = (to_path NOT NULL)),
    CHECK ((kind = 'move') = (month NOT NULL)),
    CHECK ((kind = 'purge') = (purge NOT NULL)),
    CHECK ((kind = 'place') = (filename NOT NULL AND size_bytes NOT NULL AND digest NOT NULL)),
    CHECK ((kind = 'restore') = (replaces NOT NULL))
) STRICT;

INSERT INTO intent_anew (number, session, kind, booking, from_path, to_path, at_us, month, purge, filename, size_bytes, digest,
    signed_off_at_us, stamp)
SELECT number, session, kind, booking, from_path, to_path, at_us, month, purge, filename, size_bytes, digest,
    signed_off_at_us, stamp
FROM intent;
DROP TABLE intent;
ALTER TABLE intent_anew RENAME TO intent;

CREATE UNIQUE INDEX intent_booking ON intent (booking);
CREATE INDEX intent_from ON intent (from_path);
CREATE INDEX intent_to ON intent (to_path) WHERE to_path NOT NULL;
