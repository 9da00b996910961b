/* The authorities that a context trusts: a list of certificates (a ca.crt, a trust bundle), each
 * judged by itself. Immutable and shared by reference count (atomic).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/tls/digest.h"
#include "lib/tls/tls_ctx.h"

enum { TLS_ROOTS_MAX = 1024 }; /* certificates of one list; those behind are left out */

struct tls_root {
    uint8_t digest[DIGEST_SIZE];       /* SHA-256 of der */
    uint8_t subject_hash[DIGEST_SIZE]; /* as wolfSSL hashes names; the part behind is 0 */
    struct slice der;
};

struct tls_roots;

/* What became of a list. */
struct tls_roots_report {
    unsigned usable, skipped;
    char text[TLS_DETAIL_MAX]; /* "certificate 2: its key is Ed25519, which is not supported"; as
                                  far as there is room; empty: nothing was left out */
};

/* Members that cannot be of use are left out: what is no certificate or no CA, has expired, or has
 * a key or signature that is not supported. report (may be NULL) says which and why, also on
 * success. Without any that is of use now: ERR_EXPIRED, ERR_SYNTAX or ERR_INVALID, and the report
 * is the reason. */
MUST_USE enum err tls_roots_create(struct slice pem, struct tls_roots **out,
                                   struct tls_roots_report *report);
/* NULL is allowed. */
void tls_roots_unref(struct tls_roots *r);

size_t tls_roots_count(const struct tls_roots *r);
/* Sorted by digest. */
const struct tls_root *tls_roots_at(const struct tls_roots *r, size_t index);
/* This very certificate is one of them. */
bool tls_roots_have(const struct tls_roots *r, const uint8_t digest[DIGEST_SIZE]);
