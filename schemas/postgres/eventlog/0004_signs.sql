-- Signs of life of a site's processes: who is there, and what it waits for. They are no part of the log, are overwritten
-- and forgotten, and nothing of the log follows from them.

CREATE TABLE strongroom.sign (
    site    text COLLATE "C" NOT NULL,
    process uuid             NOT NULL,
    seen_at timestamptz      NOT NULL,
    body    text COLLATE "C" NOT NULL CHECK (octet_length(body) <= 8192),
    PRIMARY KEY (site, process)
);

-- Keeps a process's newest sign, by this server's clock, and forgets what is a week old, or beyond the newest 256.
-- Rows that another process forgets at the same time are left to it.
CREATE FUNCTION strongroom.give_sign(of_site text, of_process uuid, new_body text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = strongroom, pg_temp SET lock_timeout = '5s'
AS $$
BEGIN
    PERFORM check_writer(of_site);
    INSERT INTO sign (site, process, seen_at, body) VALUES (of_site, of_process, clock_timestamp(), new_body)
    ON CONFLICT (site, process) DO UPDATE SET seen_at = excluded.seen_at, body = excluded.body;
    DELETE FROM sign WHERE site = of_site AND process IN (
        SELECT old.process FROM sign AS old
        WHERE old.site = of_site AND (old.seen_at < clock_timestamp() - interval '7 days' OR old.process NOT IN (
            SELECT newest.process FROM sign AS newest WHERE newest.site = of_site ORDER BY newest.seen_at DESC LIMIT 256
        ))
        FOR UPDATE SKIP LOCKED
    );
END
$$;
