# Shared by scripts/* and scripts/deps/*: messages, the cache, root rights, Debian's archive.
# Sourced, never run. Host names are never written down: they come from the system's apt sources.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

WEFT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WEFT_CACHE=${WEFT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/weft}
case $WEFT_CACHE in /*) ;; *) WEFT_CACHE=$PWD/$WEFT_CACHE ;; esac

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}

# run_quiet <what> <command…>: its output only when it fails.
run_quiet() {
    local what=$1 log rc=0
    shift
    log=$(mktemp "${TMPDIR:-/tmp}/weft-log.XXXXXX")
    "$@" >"$log" 2>&1 </dev/null || rc=$?
    if [ $rc -ne 0 ]; then
        say "error: $what failed (status $rc); its last lines:"
        tail -n 40 "$log" >&2
    fi
    rm -f "$log"
    return $rc
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo -- "$@"
    else
        return 126
    fi
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 \
        install -y --no-install-recommends "$@"
}

apt_refreshed=
apt_refresh() {
    [ -z "$apt_refreshed" ] || return 0
    say "refreshing the package lists"
    run_quiet "apt-get update" as_root apt-get -o DPkg::Lock::Timeout=600 update || return 1
    apt_refreshed=yes
}

# The archives that this system takes its packages from, best first, one base URI a line. It is apt
# that reads its sources, so both ways of writing them work. An archive that carries the running
# release under its plain code name comes first; security archives hold no pool of ours.
debian_bases() {
    local codename
    # shellcheck disable=SC1091
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    apt-get update --print-uris 2>/dev/null |
        sed -n "s/^'\([^']*\)\/dists\/\([^']*\)\/InRelease'.*/\2 \1/p" |
        grep -v security |
        awk -v c="$codename" '{ print ($1 == c ? 0 : 1), NR, $2 }' | sort -n |
        awk '!seen[$3]++ { print $3 }'
}

# private_apt <dir> <apt-get arguments…>: apt-get over the sources in <dir>/sources.list only, with
# its own state, so the system's is not touched. Signatures are checked as always.
private_apt() {
    local dir=$1
    shift
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    apt-get -q -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=- \
        -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

# archive_line <deb|deb-src> <base> <suite>: a line of sources.list, tied to Debian's own keys where
# the keyring is installed.
archive_line() {
    local key=/usr/share/keyrings/debian-archive-keyring.gpg
    if [ -r $key ]; then
        printf '%s [signed-by=%s] %s %s main\n' "$1" $key "$2" "$3"
    else
        printf '%s %s %s main\n' "$1" "$2" "$3"
    fi
}

# archive_get <url> <file> <sha256>: through apt's own transport (its proxies, its logins).
archive_get() {
    run_quiet_maybe /usr/lib/apt/apt-helper -o APT::Sandbox::User="$(id -un)" \
        download-file "$1" "$2" "SHA256:$3" && sha256_is "$2" "$3"
}
run_quiet_maybe() { "$@" >/dev/null 2>&1 </dev/null; }

sha256_is() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]; }

# with_cache_lock <command…>: one bootstrap at a time works in the cache; others wait.
with_cache_lock() {
    mkdir -p "$WEFT_CACHE"
    (
        flock 9
        # Whoever made these no longer holds the lock: an interrupted run left them.
        rm -rf "$WEFT_CACHE"/tmp.*
        "$@"
    ) 9>"$WEFT_CACHE/.lock"
}
