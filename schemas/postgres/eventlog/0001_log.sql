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
-- The other columns repeat what it says, to index by. What is looked up as a whole has the
-- site last in its key: compared for equals only, not at each step of each insertion.
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
    UNIQUE (stream, version, site),
    UNIQUE (id, site)
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
    PRIMARY KEY (name, site)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- What is pending for a stage, by position; what is due, by time; and where the bookings
-- stand that are nobody's work: counts come from the three together. Each stream is in one
-- of them, since each more is an entry more for each event.
CREATE INDEX stream_pending ON strongroom.stream (site, next_stage, position) INCLUDE (standing)
    WHERE next_stage IS NOT NULL AND due_at_us IS NULL;
CREATE INDEX stream_due ON strongroom.stream (site, next_stage, due_at_us, position) INCLUDE (standing)
    WHERE next_stage IS NOT NULL AND due_at_us IS NOT NULL;
CREATE INDEX stream_at_rest ON strongroom.stream (site, standing, position)
    WHERE next_stage IS NULL AND standing IS NOT NULL;
-- The newest of a kind: the last run, the last summary. Nobody asks for the newest
-- booking.
CREATE INDEX stream_by_kind ON strongroom.stream (site, kind, first_position) WHERE kind <> 'booking';

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

-- Gapless, whoever writes: what one statement adds is of one site, begins where its log
-- ended, ends where its head says, and each event follows the one before in its stream.
-- Each lookup is one by key, and can be planned as nothing else, whatever the planner
-- believes of a table that was empty a minute ago.
CREATE FUNCTION strongroom.event_is_the_next() RETURNS trigger LANGUAGE plpgsql
SET search_path = strongroom, pg_temp SET enable_seqscan = off
AS $$
DECLARE
    part record;
    good boolean;
BEGIN
    SELECT min(a.site) AS site, max(a.site) AS last_site, min(a.position) AS first, max(a.position) AS last,
        count(*) AS events, count(*) FILTER (WHERE a.version <> 0) AS later
        INTO part FROM added AS a;
    IF part.events = 0 THEN
        RETURN NULL;
    END IF;
    good := part.site = part.last_site AND part.last - part.first + 1 = part.events
        AND EXISTS (SELECT 1 FROM head WHERE head.site = part.site AND head.size = part.last + 1)
        AND (part.first = 0 OR EXISTS (
            SELECT 1 FROM event WHERE event.site = part.site AND event.position = part.first - 1
        ));
    IF good AND part.later > 0 THEN
        good := NOT EXISTS (
            SELECT 1 FROM added AS a WHERE a.version <> 0 AND (
                SELECT e.position FROM event AS e
                WHERE e.site = a.site AND e.stream = a.stream AND e.version = a.version - 1
            ) IS NULL
        );
    END IF;
    IF good IS NOT TRUE THEN
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
    -- One lookup by key for each: `= ANY` may be planned as a walk through all of a site.
    RETURN QUERY SELECT 'stream', s.name::text, s.first_position, s.version, NULL::uuid, NULL::bytea
        FROM unnest(streams) AS wanted (name) CROSS JOIN LATERAL (
            SELECT * FROM stream WHERE stream.site = of_site AND stream.name = wanted.name LIMIT 1
        ) AS s;
    IF cardinality(ids) > 0 THEN
        RETURN QUERY SELECT 'id', NULL::text, NULL::bigint, NULL::bigint, e.id, NULL::bytea
            FROM unnest(ids) AS wanted (id) CROSS JOIN LATERAL (
                SELECT event.id FROM event WHERE event.site = of_site AND event.id = wanted.id LIMIT 1
            ) AS e;
    END IF;
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
        SELECT generate_series(was, was + cardinality(ids) - 1), unnest(streams), unnest(versions), unnest(ids),
            unnest(types), unnest(times_us), unnest(bodies), unnest(leaf_hashes), of_site;
    -- A stream that begins here has no row to look for.
    IF was <= ANY (first_positions) THEN
        INSERT INTO stream (name, kind, first_position, position, version, next_stage, due_at_us, standing, site)
            SELECT h.*, of_site
            FROM (
                SELECT unnest(names), unnest(kinds), unnest(first_positions) AS first_position, unnest(positions),
                    unnest(last_versions), unnest(next_stages), unnest(dues_us), unnest(standings)
            ) AS h
            WHERE h.first_position >= was;
    END IF;
    -- An upsert needs no join, which the planner could get wrong.
    IF was > ANY (first_positions) THEN
        INSERT INTO stream AS s (name, kind, first_position, position, version, next_stage, due_at_us, standing, site)
            SELECT h.*, of_site
            FROM (
                SELECT unnest(names), unnest(kinds), unnest(first_positions) AS first_position, unnest(positions),
                    unnest(last_versions), unnest(next_stages), unnest(dues_us), unnest(standings)
            ) AS h
            WHERE h.first_position < was
        ON CONFLICT (name, site) DO UPDATE SET
            position = excluded.position, version = excluded.version, next_stage = excluded.next_stage,
            due_at_us = excluded.due_at_us, standing = excluded.standing;
    END IF;
    RETURN true;
END
$$;

-- Puts rows into a projection that was emptied.
CREATE FUNCTION strongroom.put_streams(
    of_site text, names text[], kinds text[], first_positions bigint[], positions bigint[], last_versions bigint[],
    next_stages text[], dues_us bigint[], standings text[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = strongroom, pg_temp
AS $$
BEGIN
    INSERT INTO stream (name, kind, first_position, position, version, next_stage, due_at_us, standing, site)
        SELECT unnest(names), unnest(kinds), unnest(first_positions), unnest(positions), unnest(last_versions),
            unnest(next_stages), unnest(dues_us), unnest(standings), of_site;
END
$$;

-- Empties the projection of a site, to be made again in the same transaction; nothing is
-- appended until that has ended.
CREATE FUNCTION strongroom.clear_streams(of_site text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = strongroom, pg_temp
AS $$
    SELECT 1 FROM head WHERE site = of_site FOR UPDATE;
    DELETE FROM stream WHERE site = of_site
$$;
