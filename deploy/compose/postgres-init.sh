#!/bin/sh
# Run once by the image of Postgres, when its data is new: roles, databases, and the passwords that
# setup.sh wrote, as lines of a role and its password.
set -eu

psql() {
    command psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres "$@"
}

psql --file "${ROLES:-/usr/local/share/strongroom/roles.sql}"
# By standard input, so that no list of processes shows a password.
while read -r role password; do
    printf "ALTER ROLE %s PASSWORD '%s';\n" "$role" "$password"
done <"${LOGINS:-/run/secrets/postgres-logins}" | psql
