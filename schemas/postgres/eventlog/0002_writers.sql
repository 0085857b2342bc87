-- Who may write which site's log, and what an event must be like to be stored at all. What one
-- site's workers can do ends at their own site, and nobody can store what makes a log unreadable
-- as a log: the bytes are what their hash says, and the columns say what the bytes do.

-- Which roles may write to the log of a site. A login may where it is a member of one of them.
CREATE TABLE strongroom.writer (
    role text COLLATE "C" NOT NULL,
    site text COLLATE "C" NOT NULL,
    PRIMARY KEY (site, role)
);

-- Whoever could write until now still can; `strongroom log migrate --writer ROLE` makes it narrower.
INSERT INTO strongroom.writer (role, site) SELECT 'strongroom_writer', site FROM strongroom.head;

-- Refuses a login that may not write to that site. The functions that call it run as the owner;
-- the session's user is whoever logged in.
CREATE FUNCTION strongroom.check_writer(of_site text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = strongroom, pg_temp
AS $$
BEGIN
    IF NOT pg_has_role(session_user, current_user, 'MEMBER') AND NOT EXISTS (
        SELECT 1 FROM writer JOIN pg_catalog.pg_roles AS r ON r.rolname = writer.role
        WHERE writer.site = of_site AND pg_has_role(session_user, r.oid, 'MEMBER')
    ) THEN
        RAISE EXCEPTION '% may not write to the log of site %', session_user, of_site
            USING ERRCODE = 'insufficient_privilege', HINT = 'strongroom log migrate --writer ROLE';
    END IF;
END
$$;

-- The names of an event's members, in the order of RFC 8785: with neither, one or both of the ids
-- that may be absent.
CREATE FUNCTION strongroom.members(has_cause boolean, has_run boolean) RETURNS text[] LANGUAGE sql IMMUTABLE
AS $$
    SELECT ARRAY['actor'] || CASE WHEN has_cause THEN ARRAY['causationid'] ELSE '{}' END
        || CASE WHEN has_run THEN ARRAY['correlationid'] ELSE '{}' END
        || ARRAY['data', 'datacontenttype', 'dataschema', 'id', 'position', 'source', 'specversion', 'subject',
            'time', 'type', 'version']
$$;

-- Refuses events whose hash is not their bytes', or whose bytes are not an event of that site that
-- says what the columns say. The bytes are in canonical form (RFC 8785): the last members stand in
-- one order, so that they can be compared as a whole. Bytes that end with them as JSON have them as
-- members of the event itself, and the list of all members leaves no room for a second one.
CREATE FUNCTION strongroom.check_events(
    of_site text, was bigint,
    streams text[], versions bigint[], ids uuid[], types text[], times_us bigint[], bodies text[], leaf_hashes bytea[]
) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = strongroom, pg_temp SET "TimeZone" = 'UTC'
AS $$
DECLARE
    wrong record;
    ending text;
    names text[];
BEGIN
    FOR wrong IN
        SELECT was + n - 1 AS position, e.* FROM unnest(streams, versions, ids, types, times_us, bodies, leaf_hashes)
            WITH ORDINALITY AS e (stream, version, id, type, time_us, body, leaf_hash, n)
    LOOP
        IF sha256('\x00'::bytea || convert_to(wrong.body, 'UTF8')) IS DISTINCT FROM wrong.leaf_hash THEN
            RAISE EXCEPTION 'the hash of the event for position % is not that of its bytes', wrong.position
                USING ERRCODE = 'check_violation';
        END IF;
        -- In whole seconds and the rest: an interval is multiplied as a float.
        ending := '},"datacontenttype":"application/json","dataschema":' || to_json('urn:' || replace(wrong.type, '.', ':'))
            || ',"id":"' || wrong.id || '","position":' || wrong.position || ',"source":' || to_json('/sites/' || of_site)
            || ',"specversion":"1.0","subject":' || to_json(wrong.stream) || ',"time":"'
            || rtrim(rtrim(to_char(timestamptz 'epoch' + wrong.time_us / 1000000 * interval '1 second'
                + wrong.time_us % 1000000 * interval '1 microsecond',
                'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.')
            || 'Z","type":' || to_json(wrong.type) || ',"version":' || wrong.version || '}';
        IF right(wrong.body, length(ending)) IS DISTINCT FROM ending THEN
            RAISE EXCEPTION 'the bytes of the event for position % do not say what is to be stored beside them', wrong.position
                USING ERRCODE = 'check_violation';
        END IF;
        -- The type json cannot unescape a NUL, which a file's name may hold; for this it is as good as another.
        names := ARRAY(SELECT json_object_keys(replace(wrong.body, '\u0000', '\u0001')::json));
        IF names IS DISTINCT FROM members('causationid' = ANY (names), 'correlationid' = ANY (names))
            OR wrong.body !~ '^\{"actor":"([^"\\]|\\.)+"(,"c[a-z]+id":"[0-9a-f-]{36}"){0,2},"data":\{' THEN
            RAISE EXCEPTION 'the bytes for position % are not those of an event', wrong.position
                USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
END
$$;

-- The functions that writers call, as before, for those who may.

CREATE OR REPLACE FUNCTION strongroom.begin_log(of_site text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = strongroom, pg_temp
AS $$
    SELECT check_writer(of_site);
    INSERT INTO head (site, size, frontier) VALUES (of_site, 0, '') ON CONFLICT DO NOTHING
$$;

CREATE OR REPLACE FUNCTION strongroom.take_turn(of_site text, streams text[], ids uuid[], in_turn boolean)
RETURNS TABLE (what text, name text, first_position bigint, version bigint, id uuid, frontier bytea)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = strongroom, pg_temp SET lock_timeout = '5s'
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    PERFORM check_writer(of_site);
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

CREATE OR REPLACE FUNCTION strongroom.append(
    of_site text, in_turn boolean, was bigint, new_frontier bytea,
    streams text[], versions bigint[], ids uuid[], types text[], times_us bigint[], bodies text[], leaf_hashes bytea[],
    names text[], kinds text[], first_positions bigint[], positions bigint[], last_versions bigint[],
    next_stages text[], dues_us bigint[], standings text[]
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = strongroom, pg_temp SET lock_timeout = '30s'
AS $$
BEGIN
    PERFORM check_writer(of_site);
    IF in_turn THEN
        -- Ours already, by our session's turn: this one ends with the transaction.
        PERFORM pg_advisory_xact_lock(turn(of_site));
        PERFORM pg_advisory_unlock(turn(of_site));
    END IF;
    UPDATE head SET size = was + cardinality(ids), frontier = new_frontier WHERE site = of_site AND size = was;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM check_events(of_site, was, streams, versions, ids, types, times_us, bodies, leaf_hashes);
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

CREATE OR REPLACE FUNCTION strongroom.put_streams(
    of_site text, names text[], kinds text[], first_positions bigint[], positions bigint[], last_versions bigint[],
    next_stages text[], dues_us bigint[], standings text[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = strongroom, pg_temp
AS $$
BEGIN
    PERFORM check_writer(of_site);
    INSERT INTO stream (name, kind, first_position, position, version, next_stage, due_at_us, standing, site)
        SELECT unnest(names), unnest(kinds), unnest(first_positions), unnest(positions), unnest(last_versions),
            unnest(next_stages), unnest(dues_us), unnest(standings), of_site;
END
$$;

CREATE OR REPLACE FUNCTION strongroom.clear_streams(of_site text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = strongroom, pg_temp
AS $$
    SELECT check_writer(of_site);
    SELECT 1 FROM head WHERE site = of_site FOR UPDATE;
    DELETE FROM stream WHERE site = of_site
$$;
