#!/bin/sh
# clean_root.sh PACKAGE FOLDER: the life of the package, in a root that is this system's with every change thrown away.
# To be run as root in mount and network namespaces of its own. FOLDER lies on a disk.
set -eu

if [ "${1:-}" != inside ]; then
    package=$1 folder=$2
    overlay=$folder/overlay
    mkdir -p "$overlay" "$folder/drive"
    # Changes are kept in memory: the upper layer of an overlay may not lie on another one, as a container's root is.
    mount -t tmpfs tmpfs "$overlay"
    mkdir "$overlay/changes" "$overlay/work" "$overlay/root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$overlay/changes,workdir=$overlay/work" "$overlay/root"
    root=$overlay/root
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    # Nothing of what an earlier installation left; no systemd is at work in here.
    rm -rf "$root/etc/strongroom" "$root/var/lib/strongroom" "$root/run/systemd" "$root/mnt/backup"
    mkdir -p "$root/mnt/backup" "$root/srv/documents" "$root/srv/scans"
    mount --bind "$folder/drive" "$root/mnt/backup"
    cp "$package" "$root/srv/strongroom.deb"
    cp "$0" "$root/srv/clean_root.sh"
    ip link set lo up
    exec chroot "$root" sh /srv/clean_root.sh inside
fi

fail() {
    echo "FAILED: $*" >&2
    exit 1
}
# is WHAT FOUND EXPECTED
is() { [ "$2" = "$3" ] || fail "$1 is \"$2\", not \"$3\""; }
owner() { stat -c '%U:%G %a' "$1"; }
# Not for what goes to the background: that would be a shell of its own, and not the program.
as_strongroom() { setpriv --reuid strongroom --regid strongroom --clear-groups -- "$@"; }
# The environment of whoever runs the tests is not part of it.
unset XDG_CONFIG_HOME XDG_DATA_HOME || true
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
cd /

echo "== install"
dpkg --purge strongroom >/dev/null 2>&1 || true
userdel strongroom 2>/dev/null || true
dpkg --install /srv/strongroom.deb
is "the program" "$(command -v strongroom)" /usr/bin/strongroom
is "the configuration's folder" "$(owner /etc/strongroom)" "root:strongroom 2750"
is "the data folder" "$(owner /var/lib/strongroom)" "strongroom:strongroom 700"
is "the user's shell" "$(getent passwd strongroom | cut -d: -f7)" /usr/sbin/nologin
units=$(systemd-analyze verify --man=no /usr/lib/systemd/system/strongroom*.service \
    /usr/lib/systemd/system/strongroom*.timer 2>&1 | grep strongroom || true)
is "what systemd says of the units" "$units" ""

echo "== set up"
strongroom config init /etc/strongroom/strongroom.toml
is "the configuration" "$(owner /etc/strongroom/strongroom.toml)" "root:strongroom 640"
cat >/etc/strongroom/strongroom.toml <<'TOML'
site = "kestrel"
data_dir = "/var/lib/strongroom"

[server]
listen = "127.0.0.1:8400"
documents = "/srv/documents"

[source]
url = "http://127.0.0.1:8400"
token_file = "/var/lib/strongroom/backup.token"

[drive]
root = "/mnt/backup"
reserve = "1 MiB"

[verify]
require = "cached"
TOML
chown strongroom: /mnt/backup /srv/documents
chmod 755 /srv/scans
for number in 1 2 3 4 5; do echo "timesheet $number" >"/srv/scans/timesheet-$number.txt"; done
as_strongroom strongroom server token create --name backup-1 --scope backup --out /var/lib/strongroom/backup.token
as_strongroom strongroom server import /srv/scans
as_strongroom strongroom drive init --label "blue 1" --same-disk
setpriv --reuid strongroom --regid strongroom --clear-groups -- strongroom server >/srv/server.log 2>&1 &
server=$!
tries=0
until as_strongroom strongroom doctor >/srv/doctor.log 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { cat /srv/doctor.log /srv/server.log >&2; fail "the doctor is not content"; }
    sleep 0.5
done

echo "== run"
as_strongroom strongroom run --once --json >/srv/run.json || { cat /srv/run.json >&2; fail "the run ended with $?"; }
grep -q '"archived": *5' /srv/run.json || { cat /srv/run.json >&2; fail "not all five were archived"; }
for bag in /mnt/backup/kestrel/*/; do (cd "$bag" && sha256sum --quiet --check manifest-sha256.txt); done

echo "== install the same once more, as an upgrade does"
dpkg --install /srv/strongroom.deb
as_strongroom strongroom log verify

echo "== remove"
kill "$server"
wait "$server" || true
dpkg --remove strongroom
for path in /usr/bin/strongroom /usr/lib/systemd/system/strongroom.service /usr/share/strongroom; do
    [ ! -e "$path" ] || fail "$path is still there"
done
is "the configuration after the removal" "$(owner /etc/strongroom/strongroom.toml)" "root:strongroom 640"

echo "== purge"
said=$(dpkg --purge strongroom 2>&1)
echo "$said"
case $said in *"/var/lib/strongroom is kept"*) ;; *) fail "the purge does not say that the log is kept" ;; esac
[ ! -e /etc/strongroom ] || fail "the configuration is still there"
[ -n "$(find /var/lib/strongroom -name '*.sqlite' -size +0)" ] || fail "the log is gone"
getent passwd strongroom >/dev/null || fail "the log's owner is gone"

echo "== purge where there never was a log"
rm -rf /var/lib/strongroom
dpkg --install /srv/strongroom.deb
dpkg --purge strongroom
[ ! -e /var/lib/strongroom ] || fail "an empty data folder stays"
! getent passwd strongroom >/dev/null || fail "the user stays"
echo "all steps done"
