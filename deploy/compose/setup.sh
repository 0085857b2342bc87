#!/bin/bash
# Makes the passwords of the whole system once, below ./secrets, and a folder to try things with in place of
# a drive; what is there already is kept.
#
# The files can be read by every user of their container, who differ by image; on this host their
# folder keeps others out.
set -euo pipefail
cd "$(dirname "$0")"

umask 022
mkdir -p secrets
chmod 700 secrets

# The containers' user is another one than whoever runs this.
mkdir -p drives/backup
chmod 777 drives/backup

# Writes what comes to the named file, unless it is there.
keep() {
    if [ -e "secrets/$1" ]; then
        cat >/dev/null
    else
        cat >"secrets/$1.new"
        mv "secrets/$1.new" "secrets/$1"
    fi
}

# A password of a role or user, made at the first call.
password() {
    openssl rand -hex 24 | keep "password-$1"
    cat "secrets/password-$1"
}

# What RabbitMQ keeps of a password: four bytes of salt, and the SHA-256 of both.
hashed() {
    local salt
    salt=$(openssl rand -hex 2)
    { printf %s "$salt"; printf %s%s "$salt" "$1" | openssl dgst -sha256 -binary; } | openssl base64 -A
}

database() { printf 'postgres://%s:%s@postgres/%s?sslmode=disable\n' "$1" "$(password "$1")" "$2"; }
broker() { printf 'amqp://%s:%s@rabbitmq/strongroom\n' "$1" "$(password "$1")"; }

password postgres | keep postgres-password
for role in strongroom_owner strongroom_worker strongroom_server; do
    printf '%s %s\n' "$role" "$(password "$role")"
done | keep postgres-logins
database strongroom_owner strongroom | keep log-owner-url
database strongroom_worker strongroom | keep log-writer-url
database strongroom_server strongroom_server | keep server-database-url
broker strongroom-relay | keep broker-relay-url
broker strongroom-worker | keep broker-worker-url
sed -e "s|RELAY_PASSWORD_HASH|$(hashed "$(password strongroom-relay)")|" \
    -e "s|WORKER_PASSWORD_HASH|$(hashed "$(password strongroom-worker)")|" \
    rabbitmq-users.json | keep rabbitmq-users
