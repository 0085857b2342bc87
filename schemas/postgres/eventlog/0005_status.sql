-- A stream's row says where its subject stands, whatever its kind, and which partition its work is bound to.
--
-- What the new columns hold follows from the events: whoever applies this fills them in the same transaction. Until
-- then, and for a stream whose last event cannot be read, the row says what it said. Functions that wrote the old
-- columns are gone: a program that does not know the new ones cannot append, and says that it is too old.

-- What appends takes these two in this order; no append is under way from here on, and none begins.
LOCK TABLE strongroom.head IN EXCLUSIVE MODE;

DROP INDEX strongroom.stream_pending, strongroom.stream_due, strongroom.stream_at_rest, strongroom.stream_by_kind;
ALTER TABLE strongroom.stream RENAME COLUMN standing TO status; -- where its subject stands; NULL where nobody asks
ALTER TABLE strongroom.stream
    ADD COLUMN partition text COLLATE "C", -- the only place where its work can be done; NULL: anywhere
    ADD COLUMN listed boolean NOT NULL DEFAULT true; -- whether the newest of its kind are asked for by age
ALTER TABLE strongroom.stream ALTER COLUMN listed DROP DEFAULT;

-- What is pending for a stage, by position; what is due, by time; and what is nobody's work, by its status: counts come
-- from the three together. Each stream is in one of them, since each more is an entry more for each event.
CREATE INDEX stream_pending ON strongroom.stream (site, next_stage, position) INCLUDE (kind, status)
    WHERE next_stage IS NOT NULL AND due_at_us IS NULL;
CREATE INDEX stream_due ON strongroom.stream (site, next_stage, due_at_us, position) INCLUDE (kind, status)
    WHERE next_stage IS NOT NULL AND due_at_us IS NOT NULL;
CREATE INDEX stream_at_rest ON strongroom.stream (site, kind, status, position)
    WHERE next_stage IS NULL AND status IS NOT NULL;
-- The newest of a kind. What there is very much of is not listed, for the same reason.
CREATE INDEX stream_by_kind ON strongroom.stream (site, kind, first_position) WHERE listed;

DROP FUNCTION strongroom.append(text, boolean, bigint, bytea,
    text[], bigint[], uuid[], text[], bigint[], text[], bytea[],
    text[], text[], bigint[], bigint[], bigint[], text[], bigint[], text[]);
DROP FUNCTION strongroom.put_streams(text, text[], text[], bigint[], bigint[], bigint[], text[], bigint[], text[]);

-- As before. An event that keeps its subject's status keeps its partition, too: the row's own stay.
CREATE FUNCTION strongroom.append(
    of_site text, in_turn boolean, was bigint, new_frontier bytea,
    streams text[], versions bigint[], ids uuid[], types text[], times_us bigint[], bodies text[], leaf_hashes bytea[],
    names text[], kinds text[], listings boolean[], first_positions bigint[], positions bigint[], last_versions bigint[],
    next_stages text[], dues_us bigint[], statuses text[], partitions text[], keeps boolean[]
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
        INSERT INTO stream (name, kind, listed, first_position, position, version, next_stage, due_at_us, status, partition, site)
            SELECT h.*, of_site
            FROM (
                SELECT unnest(names), unnest(kinds), unnest(listings), unnest(first_positions) AS first_position,
                    unnest(positions), unnest(last_versions), unnest(next_stages), unnest(dues_us), unnest(statuses),
                    unnest(partitions)
            ) AS h
            WHERE h.first_position >= was;
    END IF;
    -- An upsert needs no join, which the planner could get wrong.
    IF was > ANY (first_positions) THEN
        INSERT INTO stream AS s (name, kind, listed, first_position, position, version, next_stage, due_at_us, status, partition, site)
            SELECT h.name, h.kind, h.listed, h.first_position, h.position, h.version, h.next_stage, h.due_at_us, h.status,
                h.partition, of_site
            FROM (
                SELECT unnest(names) AS name, unnest(kinds) AS kind, unnest(listings) AS listed,
                    unnest(first_positions) AS first_position, unnest(positions) AS position,
                    unnest(last_versions) AS version, unnest(next_stages) AS next_stage, unnest(dues_us) AS due_at_us,
                    unnest(statuses) AS status, unnest(partitions) AS partition, unnest(keeps) AS keeps
            ) AS h
            WHERE h.first_position < was AND NOT h.keeps
        ON CONFLICT (name, site) DO UPDATE SET
            position = excluded.position, version = excluded.version, next_stage = excluded.next_stage,
            due_at_us = excluded.due_at_us, status = excluded.status, partition = excluded.partition;
    END IF;
    IF true = ANY (keeps) THEN
        INSERT INTO stream AS s (name, kind, listed, first_position, position, version, next_stage, due_at_us, site)
            SELECT h.name, h.kind, h.listed, h.first_position, h.position, h.version, h.next_stage, h.due_at_us, of_site
            FROM (
                SELECT unnest(names) AS name, unnest(kinds) AS kind, unnest(listings) AS listed,
                    unnest(first_positions) AS first_position, unnest(positions) AS position,
                    unnest(last_versions) AS version, unnest(next_stages) AS next_stage, unnest(dues_us) AS due_at_us,
                    unnest(keeps) AS keeps
            ) AS h
            WHERE h.first_position < was AND h.keeps
        ON CONFLICT (name, site) DO UPDATE SET
            position = excluded.position, version = excluded.version, next_stage = excluded.next_stage,
            due_at_us = excluded.due_at_us;
    END IF;
    RETURN true;
END
$$;

-- Puts rows into a projection that is made again from the events, over what is there.
CREATE FUNCTION strongroom.put_streams(
    of_site text, names text[], kinds text[], listings boolean[], first_positions bigint[], positions bigint[],
    last_versions bigint[], next_stages text[], dues_us bigint[], statuses text[], partitions text[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = strongroom, pg_temp
AS $$
BEGIN
    PERFORM check_writer(of_site);
    INSERT INTO stream (name, kind, listed, first_position, position, version, next_stage, due_at_us, status, partition, site)
        SELECT unnest(names), unnest(kinds), unnest(listings), unnest(first_positions), unnest(positions),
            unnest(last_versions), unnest(next_stages), unnest(dues_us), unnest(statuses), unnest(partitions), of_site
    ON CONFLICT (name, site) DO UPDATE SET
        kind = excluded.kind, listed = excluded.listed, first_position = excluded.first_position,
        position = excluded.position, version = excluded.version, next_stage = excluded.next_stage,
        due_at_us = excluded.due_at_us, status = excluded.status, partition = excluded.partition;
END
$$;
