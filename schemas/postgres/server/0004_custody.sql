-- Why a purge was proposed, how many bookings it names, and the sizes of their files at that time.
ALTER TABLE strongroom_server.proposal ADD COLUMN reason text;
ALTER TABLE strongroom_server.proposal ADD COLUMN items bigint NOT NULL DEFAULT 0;
ALTER TABLE strongroom_server.proposal ADD COLUMN size_bytes bigint NOT NULL DEFAULT 0;
UPDATE strongroom_server.proposal SET items = json_array_length(bookings::json), size_bytes = (
    SELECT coalesce(sum(booking.size_bytes), 0) FROM strongroom_server.booking
    WHERE id IN (SELECT json_array_elements_text(bookings::json))
);

CREATE INDEX proposal_time ON strongroom_server.proposal (proposed_at_us, id COLLATE "C");

-- A row of `purge` is an approval. The purges that were refused: they never run, approved or not.
CREATE TABLE strongroom_server.refusal (
    purge         text   NOT NULL PRIMARY KEY REFERENCES strongroom_server.proposal (id),
    refused_by    text   NOT NULL,
    token         text   NOT NULL,
    reason        text   NOT NULL,
    refused_at_us bigint NOT NULL
);

-- The files that purges deleted. A row stays when the file is put back: a purge deletes a file once.
CREATE TABLE strongroom_server.deletion (
    purge         text   NOT NULL REFERENCES strongroom_server.purge (id),
    booking       text COLLATE "C" NOT NULL REFERENCES strongroom_server.booking (id),
    size_bytes    bigint NOT NULL,
    deleted_at_us bigint, -- empty where an earlier version recorded it
    PRIMARY KEY (purge, booking)
);

CREATE INDEX deletion_booking ON strongroom_server.deletion (booking);

INSERT INTO strongroom_server.deletion (purge, booking, size_bytes)
SELECT purge, id, size_bytes FROM strongroom_server.booking WHERE state = 'purged';

-- The archived files that were put back from a copy: from which drive, and after which purge, if any.
CREATE TABLE strongroom_server.restoration (
    number         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    booking        text COLLATE "C" NOT NULL REFERENCES strongroom_server.booking (id),
    restored_at_us bigint NOT NULL,
    drive          text,
    purge          text REFERENCES strongroom_server.purge (id)
);

CREATE INDEX restoration_booking ON strongroom_server.restoration (booking, number);

-- How a proof was checked: the site's key, the event's position and the checkpoint's size; and the copy's SHA-256, as
-- its event has it. Empty where the server had no key, or an earlier version recorded it.
ALTER TABLE strongroom_server.proof ADD COLUMN site_key text;
ALTER TABLE strongroom_server.proof ADD COLUMN position bigint;
ALTER TABLE strongroom_server.proof ADD COLUMN checkpoint_size bigint;
ALTER TABLE strongroom_server.proof ADD COLUMN sha256 text;

-- The largest checkpoint that each key signed; and one of its size with another root, which says that the log was
-- forked: then the key proves nothing.
CREATE TABLE strongroom_server.checkpoint (
    site_key   text   NOT NULL PRIMARY KEY,
    size       bigint NOT NULL,
    note       text   NOT NULL,
    seen_at_us bigint NOT NULL,
    fork       text
);

-- A further kind of intent.
--   restore: the recorded bytes go from the session's folder to `to_path`; where `replaces`, a damaged file there is
--            kept beside it
ALTER TABLE strongroom_server.intent ADD COLUMN drive text;
ALTER TABLE strongroom_server.intent ADD COLUMN replaces bigint;
ALTER TABLE strongroom_server.intent DROP CONSTRAINT intent_kind_check;
ALTER TABLE strongroom_server.intent DROP CONSTRAINT intent_check;
ALTER TABLE strongroom_server.intent ADD CHECK (kind IN ('place', 'move', 'purge', 'discard', 'restore'));
ALTER TABLE strongroom_server.intent ADD CHECK ((kind IN ('place', 'move', 'restore')) = (to_path IS NOT NULL));
ALTER TABLE strongroom_server.intent ADD CHECK ((kind = 'restore') = (replaces IS NOT NULL));
