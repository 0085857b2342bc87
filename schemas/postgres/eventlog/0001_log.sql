-- Sites' event logs in one Postgres database (14 and later), schema `strongroom`.
--
-- Everything is kept by site, and no statement touches two: sites never wait for each
-- other. Writers read the tables and call the functions; no role but the owner may
-- write to a table, and the triggers hold for the owner as well.

REVOKE ALL ON SCHEMA strongroom FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA strongroom REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Whose logs there are, how many events each holds, and the frontier of its RFC 6962
-- tree: the hashes of the perfect subtrees that tile it, 32 bytes each, leftmost first.
-- It is updated at every commit, and never moves from its page.
CREATE TABLE strongroom.head (
    size     bigint           NOT NULL CHECK (size >= 0),
    frontier bytea            NOT NULL CHECK (octet_length(frontier) % 32 = 0),
    site     text COLLATE "C" PRIMARY KEY
) WITH (fillfactor = 10);

-- The events. `body` is the truth: the exact bytes that `leaf_hash` and the tree are over.
-- The other columns repeat what it says, to index by.
CREATE TABLE strongroom.event (
    position  bigint           NOT NULL,
    stream    text COLLATE "C" NOT NULL,
    version   bigint           NOT NULL,
    id        uuid             NOT NULL,
    type      text COLLATE "C" NOT NULL,
    time_us   bigint           NOT NULL,
    body      text COLLATE "C" NOT NULL,
    leaf_hash bytea            NOT NULL CHECK (octet_length(leaf_hash) = 32),
    site      text COLLATE "C" NOT NULL,
    PRIMARY KEY (site, position),
    UNIQUE (site, stream, version),
    UNIQUE (site, id)
);

-- A projection, moved in the same transaction as the events, and made again from them at
-- any time: each stream's last event, and what it leaves to be done.
CREATE TABLE strongroom.stream (
    name           text COLLATE "C" NOT NULL,
    kind           text COLLATE "C" NOT NULL,
    first_position bigint           NOT NULL,
    position       bigint           NOT NULL,
    version        bigint           NOT NULL,
    next_stage     text COLLATE "C",  -- whose work it is next; NULL: nobody's
    due_at_us      bigint,            -- not before, microseconds since 1970; NULL: at once
    standing       text COLLATE "C",  -- where a booking stands; NULL for what is no booking
    site           text COLLATE "C" NOT NULL,
    PRIMARY KEY (site, name)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- What is pending for a stage, by position, and what is due, by time.
CREATE INDEX stream_pending ON strongroom.stream (site, next_stage, position)
    WHERE next_stage IS NOT NULL AND due_at_us IS NULL;
CREATE INDEX stream_due ON strongroom.stream (site, next_stage, due_at_us, position)
    WHERE next_stage IS NOT NULL AND due_at_us IS NOT NULL;
-- The newest of a kind: the last run, the last summary. Nobody asks for the newest
-- booking, and every index is an entry more for each of a booking's events.
CREATE INDEX stream_by_kind ON strongroom.stream (site, kind, first_position) WHERE kind <> 'booking';
-- The counts of bookings, and the bookings that need a person.
CREATE INDEX stream_by_standing ON strongroom.stream (site, standing, position, due_at_us)
    WHERE standing IS NOT NULL;

-- The guards.

CREATE FUNCTION strongroom.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER head_never_goes_back BEFORE UPDATE ON strongroom.head
    FOR EACH ROW WHEN (NEW.size < OLD.size OR NEW.site IS DISTINCT FROM OLD.site)
    EXECUTE FUNCTION strongroom.refuse('the head of an event log never goes back');
CREATE TRIGGER head_is_never_deleted BEFORE DELETE OR TRUNCATE ON strongroom.head
    FOR EACH STATEMENT EXECUTE FUNCTION strongroom.refuse('the head of an event log is never deleted');
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON strongroom.event
    FOR EACH STATEMENT EXECUTE FUNCTION strongroom.refuse('events are never changed');
CREATE TRIGGER event_is_never_deleted BEFORE DELETE OR TRUNCATE ON strongroom.event
    FOR EACH STATEMENT EXECUTE FUNCTION strongroom.refuse('events are never deleted');

-- Gapless, whoever writes: what one statement adds to a site's log begins where the log
-- ended, ends where its head says, and each event follows the one before in its stream.
-- The planner is kept from reading whole tables, whatever it believes of their size.
CREATE FUNCTION strongroom.event_is_the_next() RETURNS trigger LANGUAGE plpgsql
SET search_path = strongroom, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    IF EXISTS (
        SELECT 1
        FROM (
            SELECT added.site, min(added.position) AS first, max(added.position) AS last, count(*) AS events
            FROM added GROUP BY added.site
        ) AS part
        LEFT JOIN head ON head.site = part.site
        WHERE part.last - part.first + 1 <> part.events
            OR head.size IS DISTINCT FROM part.last + 1
            OR part.first <> 0 AND NOT EXISTS (
                SELECT 1 FROM event WHERE event.site = part.site AND event.position = part.first - 1
            )
    ) OR EXISTS (
        SELECT 1
        FROM added
        WHERE added.version <> 0 AND NOT EXISTS (
            SELECT 1 FROM event
            WHERE event.site = added.site AND event.stream = added.stream AND event.version = added.version - 1
        )
    ) THEN
        RAISE EXCEPTION 'an event takes the next position and its stream''s next version'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER event_is_the_next AFTER INSERT ON strongroom.event
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION strongroom.event_is_the_next();

-- What writers call. Each runs as the owner, with a search path of its own.

-- Makes the log of a site, if there is none.
CREATE FUNCTION strongroom.begin_log(of_site text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = strongroom, pg_temp
AS $$
    INSERT INTO head (site, size, frontier) VALUES (of_site, 0, '') ON CONFLICT DO NOTHING
$$;

-- The lock that a site's writers queue at, first come, first served. It is for fairness
-- alone: the order of events is kept by the head's row.
CREATE FUNCTION strongroom.turn(of_site text) RETURNS bigint LANGUAGE sql IMMUTABLE
AS $$
    SELECT hashtextextended('strongroom.log/' || of_site, 0)
$$;

-- Waits for the caller's turn to append, which lasts until it appends or its session
-- ends; then tells what it needs to know to make its next group: the head, the streams
-- and the ids that are there already. A writer that was stopped in its turn must not
-- stop the others: they go on without one after a while.
CREATE FUNCTION strongroom.take_turn(of_site text, streams text[], ids uuid[], in_turn boolean)
RETURNS TABLE (what text, name text, first_position bigint, version bigint, id uuid, frontier bytea)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = strongroom, pg_temp SET lock_timeout = '5s'
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    IF in_turn THEN
        PERFORM pg_advisory_lock(turn(of_site));
    END IF;
    -- Each query sees what was committed before it began, and the turn is ours by now.
    RETURN QUERY SELECT 'head', NULL::text, NULL::bigint, h.size, NULL::uuid, h.frontier
        FROM head AS h WHERE h.site = of_site;
    RETURN QUERY SELECT 'stream', s.name::text, s.first_position, s.version, NULL::uuid, NULL::bytea
        FROM stream AS s WHERE s.site = of_site AND s.name = ANY (streams);
    RETURN QUERY SELECT 'id', NULL::text, NULL::bigint, NULL::bigint, e.id, NULL::bytea
        FROM event AS e WHERE e.site = of_site AND e.id = ANY (ids);
END
$$;

-- Gives a turn back in which nothing is appended.
CREATE FUNCTION strongroom.end_turn(of_site text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = strongroom, pg_temp
AS $$
    SELECT pg_advisory_unlock(turn(of_site))
$$;

-- Appends events at positions from `was` on and moves the projection with them, if the
-- log still ends there: false, and nothing is changed, if it does not. A turn ends at the
-- commit, when the next writer can see what was appended.
CREATE FUNCTION strongroom.append(
    of_site text, in_turn boolean, was bigint, new_frontier bytea,
    streams text[], versions bigint[], ids uuid[], types text[], times_us bigint[], bodies text[], leaf_hashes bytea[],
    names text[], kinds text[], first_positions bigint[], positions bigint[], last_versions bigint[],
    next_stages text[], dues_us bigint[], standings text[]
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = strongroom, pg_temp SET lock_timeout = '30s'
AS $$
BEGIN
    IF in_turn THEN
        -- Ours already, by our session's turn: this one ends with the transaction.
        PERFORM pg_advisory_xact_lock(turn(of_site));
        PERFORM pg_advisory_unlock(turn(of_site));
    END IF;
    UPDATE head SET size = was + cardinality(ids), frontier = new_frontier WHERE site = of_site AND size = was;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO event (position, stream, version, id, type, time_us, body, leaf_hash, site)
        SELECT was + n - 1, e.stream, e.version, e.id, e.type, e.time_us, e.body, e.leaf_hash, of_site
        FROM unnest(streams, versions, ids, types, times_us, bodies, leaf_hashes) WITH ORDINALITY
            AS e (stream, version, id, type, time_us, body, leaf_hash, n);
    PERFORM put_streams(
        of_site, names, kinds, first_positions, positions, last_versions, next_stages, dues_us, standings
    );
    RETURN true;
END
$$;

-- Puts rows of the projection in place, over those of the same streams.
CREATE FUNCTION strongroom.put_streams(
    of_site text, names text[], kinds text[], first_positions bigint[], positions bigint[], last_versions bigint[],
    next_stages text[], dues_us bigint[], standings text[]
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = strongroom, pg_temp
AS $$
    INSERT INTO stream AS s (name, kind, first_position, position, version, next_stage, due_at_us, standing, site)
        SELECT h.*, of_site
        FROM unnest(names, kinds, first_positions, positions, last_versions, next_stages, dues_us, standings) AS h
    ON CONFLICT (site, name) DO UPDATE SET
        position = excluded.position, version = excluded.version, next_stage = excluded.next_stage,
        due_at_us = excluded.due_at_us, standing = excluded.standing
$$;

-- Empties the projection of a site, to be made again in the same transaction; nothing is
-- appended until that has ended.
CREATE FUNCTION strongroom.clear_streams(of_site text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = strongroom, pg_temp
AS $$
    SELECT 1 FROM head WHERE site = of_site FOR UPDATE;
    DELETE FROM stream WHERE site = of_site
$$;
