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
# No symbolic link on the way to a file may lead out of the root: such a file is refused.
#
# Exit codes: 0 all done; 2 some files failed or were left alone; 1 nothing was done.
set -u

usage() {
    cat <<'END'
usage: restore.sh [--root DIR] [--apply] [--replace] [--enable]

Restores timers and crontabs as restore-plan.tsv beside this script says. Without --apply it only checks.
  --root DIR  write below DIR, as of a container; nothing is started there
  --apply     write the files; what is there and differs is left alone
  --replace   with --apply: overwrite what is there and differs
  --enable    with --apply: switch on those timers that were on
  --help      print this
Exit codes: 0 all done; 2 some files failed or were left alone; 1 nothing was done.
END
}

root=
apply=
replace=
enable=
while [ $# -gt 0 ]; do
    case $1 in
    --root)
        [ $# -gt 1 ] || { echo "--root needs a folder" >&2; exit 1; }
        # Without symbolic links, as paths below it are compared with it.
        root=$(cd "$2" 2>/dev/null && pwd -P) || { echo "--root $2: there is no such folder" >&2; exit 1; }
        root=${root%/}
        shift
        ;;
    --help | -h)
        usage
        exit 0
        ;;
    --apply) apply=yes ;;
    --replace) replace=yes ;;
    --enable) enable=yes ;;
    *)
        echo "unknown option $1; expected --root DIR, --apply, --replace, --enable or --help" >&2
        exit 1
        ;;
    esac
    shift
done

here=$(cd "$(dirname "$0")" && pwd) || exit 1
plan=$here/restore-plan.tsv
failed=0
left=0
tab=$(printf '\t')

say() { printf '%s: %s\n' "$1" "$2"; }
fail() {
    failed=$((failed + 1))
    printf '%s: %s\n' "$1" "$2" >&2
}
digest() { sha256sum <"$1" | cut -d' ' -f1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# Whether the folder of $1 (or, where it is yet to be made, the deepest one that is there) lies within the root. A link that
# leads nowhere is refused too: what it names would be made.
stays_within() {
    folder=$(dirname "$1")
    while [ ! -d "$folder" ]; do
        if [ -e "$folder" ] || [ -L "$folder" ]; then return 1; fi
        folder=$(dirname "$folder")
    done
    folder=$(cd "$folder" 2>/dev/null && pwd -P) || return 1
    case ${folder%/}/ in
    "$root"/*) return 0 ;;
    *) return 1 ;;
    esac
}
leads_out() {
    stays_within "$root/$1" && return 1
    fail "/$1" "refused: a folder on its way is a symbolic link out of $root/, or no folder; remove it first"
}

# Written beside its place and renamed, so that a reader never sees half of it.
put() {
    source=$1 target=$2 mode=$3 owner=$4 group=$5
    # A link in the place of the new file would be written through.
    mkdir -p "$(dirname "$target")" && rm -f "$target.restoring" && cp "$source" "$target.restoring" && chmod "$mode" "$target.restoring" || return 1
    if is_root && ! chown "$owner:$group" "$target.restoring"; then
        rm -f "$target.restoring"
        return 1
    fi
    mv -T "$target.restoring" "$target"
}

restore_file() {
    mode=$1 owner=$2 group=$3 sum=$4 path=$5
    source=$here/files/$path target=$root/$path
    if [ ! -f "$source" ] || [ "$(digest "$source")" != "$sum" ]; then
        fail "/$path" "its file is missing or is not the one that was collected"
        return
    fi
    if leads_out "$path"; then return; fi
    if [ -f "$target" ] && [ ! -L "$target" ] && [ "$(digest "$target")" = "$sum" ]; then
        say "/$path" "is there already"
        return
    fi
    if { [ -e "$target" ] || [ -L "$target" ]; } && [ -z "$replace" ]; then
        left=$((left + 1))
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
    if leads_out "$path"; then return; fi
    if [ -L "$root/$path" ]; then
        fail "/$path" "refused: it is a symbolic link; remove it first"
        return
    fi
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

[ "$left" -eq 0 ] || echo "$left not restored: another file is in the place of each, see above; --replace overwrites it"
echo "$failed failed"
[ "$failed" -eq 0 ] && [ "$left" -eq 0 ] || exit 2
