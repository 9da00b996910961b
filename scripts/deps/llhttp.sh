# llhttp: the system's libllhttp-dev where there is one (Debian 13 and later); otherwise Debian 13's
# package, unpacked into the cache and not installed: it holds one header and one static library
# that needs only libc. Sourced by scripts/bootstrap.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
LLHTTP_SUITE=trixie

llhttp_cached_root() { printf '%s/llhttp-%s-%s' "$WEFT_CACHE" "$LLHTTP_SUITE" "$(uname -m)"; }
llhttp_in_system() {
    [ -f /usr/include/llhttp.h ] && compgen -G '/usr/lib/*/libllhttp.a' >/dev/null
}

llhttp_root() {
    if llhttp_in_system; then
        echo /usr
    else
        llhttp_cached_root
    fi
}

llhttp_ready() { llhttp_in_system || [ -f "$(llhttp_cached_root)/lib/libllhttp.a" ]; }

llhttp_ensure() {
    llhttp_ready && return 0
    if as_root true 2>/dev/null && apt_refresh &&
        [[ $(apt-cache policy libllhttp-dev 2>/dev/null) =~ Candidate:\ [0-9] ]]; then
        say "installing: libllhttp-dev"
        run_quiet "installing libllhttp-dev" apt_install libllhttp-dev && llhttp_ready && return 0
    fi
    with_cache_lock llhttp_fetch
}

llhttp_fetch() {
    local base work root rc=1
    root=$(llhttp_cached_root)
    [ ! -f "$root/lib/libllhttp.a" ] || return 0
    work=$(mktemp -d "$WEFT_CACHE/tmp.llhttp.XXXXXX")
    for base in $(debian_bases); do
        if llhttp_fetch_from "$base" "$work" "$root"; then
            rc=0
            break
        fi
    done
    rm -rf "$work"
    [ $rc -eq 0 ] ||
        say "error: no archive of this system's apt sources has libllhttp-dev ($LLHTTP_SUITE)." \
            "Install libllhttp-dev by hand, or give cmake -DWEFT_LLHTTP_ROOT=<its include and lib>"
    return $rc
}

llhttp_fetch_from() {
    local base=$1 work=$2 root=$3
    say "taking libllhttp-dev from $LLHTTP_SUITE of the system's own archive"
    archive_line deb "$base" "$LLHTTP_SUITE" >"$work/sources.list"
    run_quiet_maybe private_apt "$work" update || return 1
    (cd "$work" && run_quiet "downloading libllhttp-dev" \
        private_apt "$work" download libllhttp-dev) || return 1
    dpkg-deb -x "$work"/libllhttp-dev_*.deb "$work/x" &&
        mkdir -p "$work/out/include" "$work/out/lib" &&
        cp "$work"/x/usr/include/llhttp.h "$work/out/include/" &&
        cp "$work"/x/usr/lib/*/libllhttp.a "$work/out/lib/" &&
        cp "$work"/x/usr/share/doc/libllhttp-dev/copyright "$work/out/" &&
        rm -rf "$root" && mv "$work/out" "$root" || return 1
    say "llhttp is in $root"
}
