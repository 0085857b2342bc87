#!/bin/sh
# Restores systemd timers, crontabs and anacrontabs, as restore-plan.tsv beside this script says. Read the plan first.
#
#   restore.sh [--root DIR] [--apply] [--replace] [--enable]
#
# Without --apply it only checks: that each file is the one that was collected, what is there already, which accounts are
# missing. --apply writes files with their modes and owners, and leaves alone what is there and differs unless --replace is
# given. --enable switches on those timers that were on. --root writes below another root, as of a container; nothing is
# started there. The script may be run again.
#
# A line of the plan: kind, mode, owner, group, SHA-256, path; separated by tabs. Kinds: file, timer (an enabled one),
# stamp (the mode is its time, in seconds since 1970).
#
# Exit codes: 0 all done; 2 some files failed; 1 nothing was done.
set -u

root=
apply=
replace=
enable=
while [ $# -gt 0 ]; do
    case $1 in
    --root)
        [ $# -gt 1 ] || { echo "--root needs a folder" >&2; exit 1; }
        root=${2%/}
        shift
        ;;
    --apply) apply=yes ;;
    --replace) replace=yes ;;
    --enable) enable=yes ;;
    *)
        echo "unknown option $1; expected --root DIR, --apply, --replace or --enable" >&2
        exit 1
        ;;
    esac
    shift
done

here=$(cd "$(dirname "$0")" && pwd) || exit 1
plan=$here/restore-plan.tsv
failed=0
tab=$(printf '\t')

say() { printf '%s: %s\n' "$1" "$2"; }
fail() {
    failed=$((failed + 1))
    printf '%s: %s\n' "$1" "$2" >&2
}
digest() { sha256sum <"$1" | cut -d' ' -f1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# Written beside its place and renamed, so that a reader never sees half of it.
put() {
    source=$1 target=$2 mode=$3 owner=$4 group=$5
    mkdir -p "$(dirname "$target")" && cp "$source" "$target.restoring" && chmod "$mode" "$target.restoring" || return 1
    if is_root && ! chown "$owner:$group" "$target.restoring"; then
        rm -f "$target.restoring"
        return 1
    fi
    mv "$target.restoring" "$target"
}

restore_file() {
    mode=$1 owner=$2 group=$3 sum=$4 path=$5
    source=$here/files/$path target=$root/$path
    if [ ! -f "$source" ] || [ "$(digest "$source")" != "$sum" ]; then
        fail "/$path" "its file is missing or is not the one that was collected"
        return
    fi
    if [ -f "$target" ] && [ "$(digest "$target")" = "$sum" ]; then
        say "/$path" "is there already"
        return
    fi
    if [ -e "$target" ] && [ -z "$replace" ]; then
        say "/$path" "another is there, and is left alone: --replace overwrites it"
        return
    fi
    if is_root && [ -z "$root" ] && ! id "$owner" >/dev/null 2>&1; then
        fail "/$path" "there is no account $owner here: create it first"
        return
    fi
    if [ -z "$apply" ]; then
        say "/$path" "would be written, mode $mode, owner $owner:$group"
    elif put "$source" "$target" "$mode" "$owner" "$group"; then
        say "/$path" "written"
    else
        fail "/$path" "could not be written"
    fi
}

# Without its stamp a persistent timer does not know what was missed.
restore_stamp() {
    seconds=$1 path=$2
    if [ -z "$apply" ]; then
        say "/$path" "its time would be set"
    elif mkdir -p "$(dirname "$root/$path")" && touch -d "@$seconds" "$root/$path"; then
        say "/$path" "its time is set"
    else
        fail "/$path" "its time could not be set"
    fi
}

enable_timer() {
    if systemctl ${root:+--root="$root"} enable "$1" >/dev/null 2>&1; then
        say "$1" "enabled"
    else
        fail "$1" "could not be enabled"
        return
    fi
    [ -n "$root" ] || systemctl start "$1" || fail "$1" "could not be started"
}

[ -r "$plan" ] || { echo "$plan cannot be read" >&2; exit 1; }
while IFS="$tab" read -r kind mode owner group sum path; do
    case $kind in
    file) restore_file "$mode" "$owner" "$group" "$sum" "$path" ;;
    stamp) restore_stamp "$mode" "$path" ;;
    esac
done <"$plan"

if [ -n "$apply" ] && [ -z "$root" ] && command -v systemctl >/dev/null 2>&1; then
    systemctl daemon-reload || fail systemd "its units could not be read again"
fi
if [ -n "$apply" ] && [ -n "$enable" ]; then
    while IFS="$tab" read -r kind mode owner group sum path; do
        [ "$kind" = timer ] && enable_timer "$path"
    done <"$plan"
fi

echo "$failed failed"
[ "$failed" -eq 0 ] || exit 2
