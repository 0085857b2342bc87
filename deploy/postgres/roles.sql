-- Who may do what in Postgres (14 and later). Run once by a superuser, with psql, before
-- `strongroom log migrate`; harmless to run again:
--
--   psql --file deploy/postgres/roles.sql postgres
--
-- | role                | may                                                        | used by                          |
-- | strongroom_owner    | make and migrate the log; the triggers hold for it, too    | strongroom log migrate           |
-- | strongroom_worker   | read the logs, and append to those of the sites that       | relay, workers, status, retry    |
-- |                     | `strongroom log migrate` was run for                       |                                  |
-- | strongroom_audit    | read the log                                               | replay, log verify, log export   |
-- | strongroom_server   | everything in the document server's own database           | strongroom server                |
--
-- None has a password yet, so none can log in by one: \password strongroom_worker, and so on.

\set ON_ERROR_STOP on

-- The groups that the migrations give rights to.
SELECT format('CREATE ROLE %I NOLOGIN', name)
FROM unnest(ARRAY['strongroom_writer', 'strongroom_auditor']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['strongroom_owner', 'strongroom_worker', 'strongroom_audit', 'strongroom_server']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

GRANT strongroom_writer TO strongroom_worker;
GRANT strongroom_auditor TO strongroom_audit;

-- The log's database and the document server's, which may as well lie on two servers: run this on both.
SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', name, owner)
FROM (VALUES ('strongroom', 'strongroom_owner'), ('strongroom_server', 'strongroom_server')) AS wanted (name, owner)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec

REVOKE ALL ON DATABASE strongroom, strongroom_server FROM PUBLIC;
GRANT CONNECT ON DATABASE strongroom TO strongroom_writer, strongroom_auditor;

-- Before Postgres 15 everybody may make tables in the schema public.
\connect strongroom
REVOKE ALL ON SCHEMA public FROM PUBLIC;
\connect strongroom_server
REVOKE ALL ON SCHEMA public FROM PUBLIC;
