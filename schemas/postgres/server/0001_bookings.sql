-- The document server's records, as in ../../sqlite/server. The files themselves lie below
-- the document root.
--
-- What differs from SQLite: a text that comes from outside may hold a NUL, which Postgres's
-- text type does not, so that names are kept as their UTF-8 bytes; an index entry holds no
-- path of 4096 bytes, so that paths are looked up by their SHA-256; and texts that are put in
-- order are compared byte by byte, whatever the database's locale.

-- One row for each booking. A path is the bytes of a file's name relative to the document
-- root, with '/' between parts: a name need not be text.
CREATE TABLE strongroom_server.booking (
    id               text COLLATE "C" NOT NULL PRIMARY KEY,
    state            text   NOT NULL
        CHECK (state IN ('created', 'uploaded', 'signed-off', 'backed-up', 'archived', 'purged')),
    created_at_us    bigint NOT NULL,
    filename         bytea,
    size_bytes       bigint CHECK (size_bytes >= 0),
    digest           text,
    path             bytea,
    signed_off_at_us bigint,
    month            text, -- on the folder that the file was moved to
    moved_from       bytea, -- where it lay before that
    moved_at_us      bigint,
    purge            text,
    CHECK (state = 'created'
        OR (filename IS NOT NULL AND size_bytes IS NOT NULL AND digest IS NOT NULL AND path IS NOT NULL)),
    CHECK (state IN ('created', 'uploaded') OR signed_off_at_us IS NOT NULL),
    CHECK (state NOT IN ('archived', 'purged')
        OR (month IS NOT NULL AND moved_from IS NOT NULL AND moved_at_us IS NOT NULL)),
    CHECK ((state = 'purged') = (purge IS NOT NULL))
);

-- The oldest that wait are read in this index's order, however many bookings there are.
CREATE INDEX booking_waiting ON strongroom_server.booking (signed_off_at_us, id) WHERE state = 'signed-off';
CREATE INDEX booking_state ON strongroom_server.booking (state, id);
-- Two bookings never share a file. A purged booking has none left.
CREATE UNIQUE INDEX booking_path ON strongroom_server.booking (sha256(path)) WHERE path IS NOT NULL AND state <> 'purged';
-- The latest moves, which are looked at again at start.
CREATE INDEX booking_moved ON strongroom_server.booking (moved_at_us) WHERE state = 'archived';

-- How many bookings stand where: counting a million rows takes too long for each list.
CREATE TABLE strongroom_server.tally (
    state    text   NOT NULL PRIMARY KEY,
    bookings bigint NOT NULL CHECK (bookings >= 0)
) WITH (fillfactor = 10); -- six rows that change with every booking: their new versions find room beside them

INSERT INTO strongroom_server.tally (state, bookings)
VALUES ('created', 0), ('uploaded', 0), ('signed-off', 0), ('backed-up', 0), ('archived', 0), ('purged', 0);

CREATE FUNCTION strongroom_server.tally_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE strongroom_server.tally SET bookings = bookings + more
    FROM (SELECT state, count(*) AS more FROM came GROUP BY state) AS counted
    WHERE tally.state = counted.state;
    RETURN NULL;
END $$;

CREATE FUNCTION strongroom_server.tally_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE strongroom_server.tally SET bookings = bookings + more
    FROM (
        SELECT state, sum(one) AS more
        FROM (SELECT state, 1 AS one FROM came UNION ALL SELECT state, -1 FROM went) AS each
        GROUP BY state
    ) AS counted
    WHERE tally.state = counted.state AND more <> 0;
    RETURN NULL;
END $$;

CREATE TRIGGER booking_tally_insert AFTER INSERT ON strongroom_server.booking
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION strongroom_server.tally_insert();
CREATE TRIGGER booking_tally_update AFTER UPDATE ON strongroom_server.booking
    REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION strongroom_server.tally_update();

-- A booking's record outlives its file: nothing may take it away.
CREATE FUNCTION strongroom_server.booking_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a booking''s record is never deleted';
END $$;

CREATE TRIGGER booking_stays BEFORE DELETE OR TRUNCATE ON strongroom_server.booking
    FOR EACH STATEMENT EXECUTE FUNCTION strongroom_server.booking_stays();

-- The proven copies, the latest proof for each drive.
CREATE TABLE strongroom_server.proof (
    booking        text COLLATE "C" NOT NULL REFERENCES strongroom_server.booking (id),
    drive          text COLLATE "C" NOT NULL,
    digest         text   NOT NULL,
    path           bytea  NOT NULL,
    read_back      text   NOT NULL CHECK (read_back IN ('direct', 'cache-dropped', 'cached')),
    proven_at_us   bigint NOT NULL,
    event          text   NOT NULL,
    recorded_at_us bigint NOT NULL,
    PRIMARY KEY (booking, drive)
);

-- The purges that were approved, and by whom.
CREATE TABLE strongroom_server.purge (
    id              text   NOT NULL PRIMARY KEY,
    proposed_by     text   NOT NULL,
    approved_by     text   NOT NULL,
    token           text   NOT NULL,
    requested_at_us bigint NOT NULL
);

ALTER TABLE strongroom_server.booking ADD FOREIGN KEY (purge) REFERENCES strongroom_server.purge (id);

-- What is about to happen to a file: written before, gone once it is recorded. A row whose
-- session is over tells the next start what to look at.
--   place:   a new file goes from the session's folder to `to_path`
--   move:    a marked booking's file goes from `from_path` to `to_path`
--   purge:   an archived booking's file at `from_path` is deleted
--   discard: a file that a later upload replaced, at `from_path`, is deleted
CREATE TABLE strongroom_server.intent (
    number           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session          text   NOT NULL,
    kind             text   NOT NULL CHECK (kind IN ('place', 'move', 'purge', 'discard')),
    booking          text COLLATE "C" NOT NULL,
    from_path        bytea  NOT NULL,
    to_path          bytea,
    at_us            bigint NOT NULL,
    month            text,
    purge            text REFERENCES strongroom_server.purge (id),
    filename         bytea,
    size_bytes       bigint,
    digest           text,
    signed_off_at_us bigint,
    CHECK ((kind IN ('place', 'move')) = (to_path IS NOT NULL)),
    CHECK ((kind = 'move') = (month IS NOT NULL)),
    CHECK ((kind = 'purge') = (purge IS NOT NULL)),
    CHECK ((kind = 'place') = (filename IS NOT NULL AND size_bytes IS NOT NULL AND digest IS NOT NULL))
);

CREATE UNIQUE INDEX intent_booking ON strongroom_server.intent (booking);
CREATE INDEX intent_from ON strongroom_server.intent (sha256(from_path));
CREATE INDEX intent_to ON strongroom_server.intent (sha256(to_path)) WHERE to_path IS NOT NULL;

-- Bearer tokens. Only a token's SHA-256 is kept: it has 256 random bits, so that no
-- slower function is needed.
CREATE TABLE strongroom_server.token (
    id            text COLLATE "C" NOT NULL PRIMARY KEY,
    name          text   NOT NULL,
    sha256        bytea  NOT NULL UNIQUE,
    scopes        text   NOT NULL, -- separated by spaces
    created_at_us bigint NOT NULL,
    revoked_at_us bigint
);

-- Which document root these records are of, as its `.strongroom/root-id` names it. One row.
CREATE TABLE strongroom_server.document_root (
    one boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    id  text    NOT NULL
);
