/* One HTTP/1 head cut into its parts, still lying in the bytes it came in: what h1_parse fills,
 * h1_head judges (RFC 9112 §3, §6; reject, never repair) and h1_build turns into a struct message.
 * Lives on the stack of whoever parses, between two reads; nothing in it outlives the input.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/http/h1_bad.h"
#include "lib/codec/http/message.h"

#define H1_FIELDS_MAX 1024u /* whatever the configuration says */

enum h1_role { H1_REQUEST, H1_RESPONSE };

/* Offsets from the head's base. */
struct h1_field {
    uint32_t name, name_len, value, value_len;
    uint16_t id;
    bool dropped; /* connection-specific: no part of the message */
};

struct h1_head {
    const char *base;
    uint32_t len;       /* with the empty line */
    uint32_t fields_at; /* where the first field line begins */
    uint32_t count;
    uint32_t field_bytes; /* as limits count: see struct h1_limits */
    struct slice method;
    struct slice target; /* as sent */
    uint16_t status;
    uint8_t minor;
    /* Filled by h1_head_check. */
    struct slice authority, path; /* in the input */
    struct slice upgrade; /* the first protocol that it may switch to; empty: none */
    int64_t content_length; /* -1: not said */
    uint32_t keep_alive_ms; /* Keep-Alive: timeout of a response, 0: not said */
    bool chunked, keep_alive, expect_continue, te_trailers;
    bool path_lacks_slash; /* of an absolute form */
    struct h1_field fields[H1_FIELDS_MAX];
};

static inline struct slice h1_head_name(const struct h1_head *h, const struct h1_field *f)
{
    return slice_of(h->base + f->name, f->name_len);
}
static inline struct slice h1_head_value(const struct h1_head *h, const struct h1_field *f)
{
    return slice_of(h->base + f->value, f->value_len);
}
/* An answer that ends with its head, whatever its fields say (RFC 9112 §6.3): 1xx, 204, 304. */
static inline bool h1_head_is_bodiless(const struct h1_head *h)
{
    return h->status && (h->status < 200 || h->status == 204 || h->status == 304);
}
/* The meaning of the fields: framing, host, connection. `scheme` is what the port serves ("http" or
 * "https", or empty for either), for targets in absolute form. */
enum h1_bad h1_head_check_request(struct h1_head *h, struct slice scheme);
enum h1_bad h1_head_check_response(struct h1_head *h);
/* `role`: of the message that they belong to. */
enum h1_bad h1_head_check_trailers(struct h1_head *h, enum h1_role role);
/* The next of the protocols in an Upgrade field; of a request's, those that are never passed on
 * (h2c, TLS) are left out. False: none is left in `list`. */
bool h1_head_next_protocol(const struct h1_head *h, struct slice *list, struct slice *protocol);
