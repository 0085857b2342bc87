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
# A line of the plan: kind, mode, owner, group, SHA-256, path; separated by tabs. Kinds: folder (made where it is missing),
# file, link (what it contains is in the place of the digest), timer (an enabled one), stamp (the mode is its time, in
# seconds since 1970).
#
# Accounts and groups are those of the root that is written to: the same name may have another number there.
#
# No symbolic link on the way to a file may lead out of the root: such a file is refused.
#
# Exit codes: 0 all done; 2 some files failed or were left alone; 1 nothing was done.
set -u
# Folders that the plan does not list are as any other folder of a system.
umask 022

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

# The number that the root knows the account or group $2 by; $1 is passwd or group. A number stands for itself.
number() {
    case $2 in
    root) echo 0 && return ;;
    *[!0-9]*) ;;
    *) echo "$2" && return ;;
    esac
    # Accounts of a directory service are in no file.
    if [ -z "$root" ] && command -v getent >/dev/null 2>&1; then
        entry=$(getent "$1" "$2") || return 1
        printf '%s\n' "$entry" | cut -d: -f3
        return
    fi
    [ -r "$root/etc/$1" ] || return 1
    while IFS=: read -r name _ id _; do
        [ "$name" = "$2" ] && echo "$id" && return
    done <"$root/etc/$1"
    return 1
}

# Sets $uid and $gid; says what is missing. Only root gives files away.
owned_by() {
    is_root || return 0
    uid=$(number passwd "$2") || { fail "/$1" "there is no account $2 in $root/: create it first"; return 1; }
    gid=$(number group "$3") || { fail "/$1" "there is no group $3 in $root/: install what it belongs to, or create it first"; return 1; }
}

# Written beside its place and renamed, so that a reader never sees half of it.
put() {
    source=$1 target=$2 mode=$3
    # A link in the place of the new file would be written through. Giving a file away clears some bits of its mode.
    mkdir -p "$(dirname "$target")" && rm -f "$target.restoring" && cp "$source" "$target.restoring" || return 1
    if { is_root && ! chown "$uid:$gid" "$target.restoring"; } || ! chmod "$mode" "$target.restoring"; then
        rm -f "$target.restoring"
        return 1
    fi
    mv -T "$target.restoring" "$target"
}

# A folder that is there keeps its owner and mode.
restore_folder() {
    mode=$1 owner=$2 group=$3 path=$4
    if [ -d "$root/$path" ] || leads_out "$path" || ! owned_by "$path" "$owner" "$group"; then return; fi
    if [ -z "$apply" ]; then
        say "/$path/" "would be made, mode $mode, owner $owner:$group"
    elif mkdir -p "$root/$path" && { ! is_root || chown "$uid:$gid" "$root/$path"; } && chmod "$mode" "$root/$path"; then
        say "/$path/" "made"
    else
        fail "/$path/" "could not be made"
    fi
}

restore_link() {
    leads=$1 path=$2
    target=$root/$path
    if leads_out "$path"; then return; fi
    if [ -L "$target" ] && [ "$(readlink "$target")" = "$leads" ]; then
        say "/$path" "is there already"
    elif [ -d "$target" ] && [ ! -L "$target" ]; then
        fail "/$path" "a folder is in its place: remove it first"
    elif { [ -e "$target" ] || [ -L "$target" ]; } && [ -z "$replace" ]; then
        left=$((left + 1))
        say "/$path" "another is there, and is left alone: --replace overwrites it"
    elif [ -z "$apply" ]; then
        say "/$path" "would be a link to $leads"
    elif mkdir -p "$(dirname "$target")" && rm -f "$target.restoring" && ln -s "$leads" "$target.restoring" && mv -T "$target.restoring" "$target"; then
        say "/$path" "is a link to $leads"
    else
        fail "/$path" "could not be made a link to $leads"
    fi
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
    owned_by "$path" "$owner" "$group" || return
    if [ -z "$apply" ]; then
        say "/$path" "would be written, mode $mode, owner $owner:$group"
    elif put "$source" "$target" "$mode"; then
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

# Whether systemd runs here: in a chroot, and in most containers, it does not.
runs_systemd() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

enable_timer() {
    if ! command -v systemctl >/dev/null 2>&1; then
        fail "$1" "could not be enabled: systemctl is not installed"
        return
    fi
    # Not started: links are made, which works without a running systemd, too.
    if ! why=$(systemctl ${root:+--root="$root"} enable "$1" 2>&1); then
        fail "$1" "could not be enabled; install the package that it comes with, or restore its file: $why"
        return
    fi
    state=$(systemctl ${root:+--root="$root"} is-enabled "$1" 2>/dev/null)
    case $state in
    enabled | enabled-runtime | alias | generated | indirect) ;;
    *)
        fail "$1" "is ${state:-not known} and not enabled: its unit has no [Install] section; link it by hand"
        return
        ;;
    esac
    if runs_systemd; then
        say "$1" "enabled"
        systemctl start "$1" || fail "$1" "could not be started"
    else
        say "$1" "enabled; it starts with the system, since systemd does not run here"
    fi
}

[ -r "$plan" ] || { echo "$plan cannot be read" >&2; exit 1; }
while IFS="$tab" read -r kind mode owner group sum path; do
    case $kind in
    folder) restore_folder "$mode" "$owner" "$group" "$path" ;;
    file) restore_file "$mode" "$owner" "$group" "$sum" "$path" ;;
    link) restore_link "$sum" "$path" ;;
    stamp) restore_stamp "$mode" "$path" ;;
    esac
done <"$plan"

if [ -n "$apply" ] && runs_systemd; then
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
