/* The header of the PROXY protocol, by which a load balancer says at the beginning of a connection
 * whose it is (HAProxy's proxy-protocol.txt, version 1 in text, version 2 in binary). Pure: bytes
 * in, addresses out, and back. A longer prefix never takes back an answer that was not MORE.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/addr.h"

#define PROXY_HEADER_LINE_MAX 107u   /* version 1, with its CRLF: what the protocol says */
#define PROXY_HEADER_BLOCK_MAX 4096u /* version 2, behind its first 16 bytes: ours */
#define PROXY_HEADER_MAX (16u + PROXY_HEADER_BLOCK_MAX)
#define PROXY_HEADER_WRITE_MAX PROXY_HEADER_LINE_MAX

enum proxy_result { PROXY_MORE, PROXY_DONE, PROXY_BAD };

struct proxy_header {
    size_t len; /* bytes of the header; the connection's own begin behind it */
    /* Of TCP over IP. Without: the connection is the sender's own (LOCAL), or the client's address
     * is unknown or none of these (UNKNOWN, UNIX, UDP). */
    bool has_addresses;
    struct addr from, to;
    const char *bad; /* why it is none, a sentence's worth */
};

/* Additions (TLVs) of version 2 are skipped; those that do not fit are an error. */
enum proxy_result proxy_header_parse(const uint8_t *data, size_t len, struct proxy_header *out);

/* One of version 1 or 2 with these addresses. Where they are of no common family it says that they
 * are unknown. Returns how many bytes it has. */
size_t proxy_header_write(unsigned version, const struct addr *from, const struct addr *to,
                          uint8_t out[PROXY_HEADER_WRITE_MAX]);
