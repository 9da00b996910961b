# wolfSSL: the upstream tarball from Debian's pool, checked against the pinned SHA-256, built static
# with the flags of wolfssl.env into the cache. Sourced by scripts/bootstrap.
# Interrupted or parallel runs are safe: one lock, and the result is renamed into place as a whole.
# WEFT_WOLFSSL_TARBALL=<file> takes the tarball from there instead.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC1091,SC2086,SC2116
. "$WEFT_ROOT/scripts/deps/wolfssl.env"
WOLFSSL_RECIPE=2

wolfssl_arch_flags() {
    local name
    name=WOLFSSL_CONFIGURE_$(uname -m)
    printf '%s' "${!name:-}"
}

# wolfssl_root_for <version> <sha256>: the folder in the cache for this tarball, flags and compiler.
wolfssl_root_for() {
    local key
    key=$(printf '%s\n' "$WOLFSSL_RECIPE" "$2" $WOLFSSL_CONFIGURE "$(wolfssl_arch_flags)" \
        $WOLFSSL_DEFINES $WOLFSSL_CFLAGS \
        "$(gcc -dumpfullversion -dumpmachine 2>/dev/null)" | sha256sum | cut -c1-12)
    printf '%s/wolfssl-%s-%s' "$WEFT_CACHE" "$1" "$key"
}

wolfssl_root() { wolfssl_root_for "$WOLFSSL_VERSION" "$WOLFSSL_SHA256"; }
wolfssl_ready() { [ -f "$(wolfssl_root)/lib/libwolfssl.a" ]; }

wolfssl_ensure() {
    wolfssl_ready && return 0
    with_cache_lock wolfssl_make
}

wolfssl_make() {
    local work rc=0
    wolfssl_ready && return 0
    work=$(mktemp -d "$WEFT_CACHE/tmp.wolfssl.XXXXXX")
    wolfssl_make_in "$work" || rc=$?
    rm -rf "$work"
    return $rc
}

wolfssl_make_in() {
    local work=$1 root
    wolfssl_fetch "$work" || return 1
    root=$(wolfssl_root_for "$wolfssl_got_version" "$wolfssl_got_sha256")
    if [ ! -f "$root/lib/libwolfssl.a" ]; then
        say "building wolfSSL $wolfssl_got_version (under a minute)"
        wolfssl_build "$work" "$root" || return 1
        say "wolfSSL $wolfssl_got_version is in $root"
    fi
    # A substitute release stands in where the pinned one is looked for.
    [ "$root" = "$(wolfssl_root)" ] || ln -sfn "$root" "$(wolfssl_root)"
}

# Leaves the tarball's path, version and SHA-256 in wolfssl_got_*.
wolfssl_fetch() {
    local work=$1 kept="$WEFT_CACHE/wolfssl_$WOLFSSL_VERSION.orig.tar.gz" base
    wolfssl_got_version=$WOLFSSL_VERSION
    wolfssl_got_sha256=$WOLFSSL_SHA256
    wolfssl_got=$kept
    if [ -n "${WEFT_WOLFSSL_TARBALL:-}" ]; then
        wolfssl_got=$WEFT_WOLFSSL_TARBALL
        sha256_is "$wolfssl_got" "$WOLFSSL_SHA256" && return 0
        say "error: WEFT_WOLFSSL_TARBALL=$wolfssl_got is not wolfSSL $WOLFSSL_VERSION:" \
            "its SHA-256 differs"
        return 1
    fi
    sha256_is "$kept" "$WOLFSSL_SHA256" && return 0
    say "fetching wolfSSL $WOLFSSL_VERSION from the system's own archive"
    for base in $(debian_bases); do
        if archive_get "$base/pool/main/w/wolfssl/wolfssl_$WOLFSSL_VERSION.orig.tar.gz" \
            "$work/orig.tar.gz" "$WOLFSSL_SHA256"; then
            mv "$work/orig.tar.gz" "$kept"
            return 0
        fi
    done
    for base in $(debian_bases); do
        wolfssl_fetch_by_index "$work" "$base" && return 0
    done
    say "error: no archive of this system's apt sources has wolfSSL $WOLFSSL_VERSION or newer." \
        "Put the upstream tarball somewhere and set WEFT_WOLFSSL_TARBALL, or give cmake" \
        "-DWEFT_WOLFSSL_ROOT=<folder with include and lib>"
    return 1
}

# The pool may have dropped the file, or the archive may be reached in a way that only apt knows
# (a mirror list). Then sid's signed index says what there is: the pinned file, or a newer release.
# The packaging files beside it may be gone already; only the upstream tarball counts.
wolfssl_fetch_by_index() {
    local work=$1 base=$2 line name version sum
    archive_line deb-src "$base" sid >"$work/sources.list"
    run_quiet_maybe private_apt "$work" update || return 1
    line=$(private_apt "$work" source --print-uris wolfssl 2>/dev/null |
        grep -E " wolfssl_[0-9.]+\.orig\.tar\.gz [0-9]+ SHA256:[0-9a-f]{64}")
    name=$(printf '%s' "$line" | cut -d' ' -f2)
    sum=${line##*SHA256:}
    version=$(printf '%s' "$name" | sed -n 's/^wolfssl_\([0-9.]*\)\.orig\.tar\.gz$/\1/p')
    [ -n "$version" ] && dpkg --compare-versions "$version" ge "$WOLFSSL_VERSION" || return 1
    (cd "$work" && run_quiet_maybe private_apt "$work" source --download-only wolfssl) || true
    if [ "$version" = "$WOLFSSL_VERSION" ]; then
        sum=$WOLFSSL_SHA256
    else
        say "warning: wolfSSL $WOLFSSL_VERSION is gone from the archive; taking $version," \
            "which its signed index names (SHA-256 $sum, not pinned here)"
    fi
    sha256_is "$work/$name" "$sum" || return 1
    mv "$work/$name" "$WEFT_CACHE/$name"
    wolfssl_got=$WEFT_CACHE/$name wolfssl_got_version=$version wolfssl_got_sha256=$sum
}

# wolfssl_add_ed25519 <archive>: in the source tree, configured and built. Ed25519 for signatures of
# tokens, as objects of a build that has it, so that TLS and certificates do not (see wolfssl.env).
# What Curve25519 shares with it is in those objects as well, under the same names.
wolfssl_add_ed25519() {
    local shared objects
    shared=$(find wolfcrypt/src -name '*25519*.lo' -o -name '*[gf]e_operations.lo')
    ./configure $WOLFSSL_CONFIGURE --enable-ed25519 $(wolfssl_arch_flags) CC=gcc \
        CPPFLAGS="$(echo $WOLFSSL_DEFINES -DNO_ED25519_SIGN)" \
        CFLAGS="$WOLFSSL_CFLAGS -ffile-prefix-map=$PWD=wolfssl" &&
        objects=$(printf '%s\n' $shared \
            $(grep -oE 'wolfcrypt/src/[a-z_]*-(ed25519|ge_operations)\.lo' Makefile) | sort -u) &&
        rm -f $objects ${objects//.lo/.o} && make $objects && ar rs "$1" ${objects//.lo/.o} &&
        nm "$1" 2>/dev/null | grep -q ' T wc_ed25519_verify_msg'
}

wolfssl_build() {
    local work=$1 root=$2 log="$1/log"
    mkdir -p "$work/src"
    if ! (
        # Chained, because a shell does not heed -e inside a condition.
        tar -xzf "$wolfssl_got" -C "$work/src" --strip-components=1 --no-same-owner &&
            cd "$work/src" && ./autogen.sh &&
            ./configure --prefix="$root" $WOLFSSL_CONFIGURE $(wolfssl_arch_flags) CC=gcc \
                CPPFLAGS="$(echo $WOLFSSL_DEFINES)" \
                CFLAGS="$WOLFSSL_CFLAGS -ffile-prefix-map=$work/src=wolfssl" &&
            make -j"$(nproc)" && make install DESTDIR="$work/stage" &&
            wolfssl_add_ed25519 "$work/stage$root/lib/libwolfssl.a"
    ) >"$log" 2>&1 </dev/null; then
        say "error: building wolfSSL failed; the last lines:"
        tail -n 40 "$log" >&2
        return 1
    fi
    mkdir -p "$work/out/lib" &&
        mv "$work/stage$root/include" "$work/out/include" &&
        mv "$work/stage$root/lib/libwolfssl.a" "$work/out/lib/" &&
        cp "$work/src/COPYING" "$work/src/LICENSING" "$work/out/" &&
        rm -rf "$root" && mv "$work/out" "$root"
}
