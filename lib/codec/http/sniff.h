/* What protocol do the first bytes of a connection speak? A wrong guess is worse than waiting, so
 * the answer is MORE until it is sure. Pure: the same bytes give the same answer, and a longer
 * prefix never takes back an answer that was not MORE.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define SNIFF_HELLO_MAX \
    16384u                   /* how long a ClientHello is waited for, in bytes of the connection */
#define SNIFF_LINE_MAX 8192u /* how long a request line of an uncommon method may be */
#define SNIFF_ALPN_MAX 8u

enum sniff_result { SNIFF_MORE, SNIFF_TLS, SNIFF_H2, SNIFF_H1, SNIFF_OPAQUE };

/* From a TLS ClientHello. Everything points into `text`. */
struct sniff_hello {
    bool complete;    /* the hello was whole and well-formed; else nothing below is set */
    struct slice sni; /* empty: none */
    struct slice alpn[SNIFF_ALPN_MAX]; /* in the client's order; more are left out */
    size_t alpn_count;
    char text[512];
};

/* `hello` may be NULL: then a TLS connection is known by its first bytes. Else the answer waits for
 * the whole hello, which may be split over any number of records, and is SNIFF_TLS with complete =
 * false when it is malformed or longer than SNIFF_HELLO_MAX. */
enum sniff_result sniff_bytes(const uint8_t *data, size_t len, struct sniff_hello *hello);
