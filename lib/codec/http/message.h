/* The head of an HTTP request or response, free of the version it came in: names are lower-case,
 * connection-specific fields are gone (their meaning is in the struct), order is kept. Everything
 * lies in the arena the head was built with.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/slice.h"

/* Well-known names get a number, so that looking one up compares no bytes. HEADER_OTHER is any
 * other. */
enum header_id {
    HEADER_OTHER = 0,
#define X(id, name) HEADER_##id,
#include "lib/codec/http/header_names.def"
#undef X
    HEADER_COUNT
};

/* What each field costs beside its bytes, in every limit and sum (RFC 9113 §6.5.2). */
#define MESSAGE_FIELD_EXTRA 32u
/* Room for an x-request-id that whoever serves makes up, NUL-terminated. */
#define MESSAGE_REQUEST_ID_SIZE 40

struct header {
    struct slice name; /* lower-case */
    struct slice value;
    uint16_t id;      /* enum header_id */
    bool never_index; /* secret: HPACK must not keep it */
};

struct headers {
    struct header *items;
    uint32_t count, capacity;
    uint32_t bytes; /* names + values + 32 each, as RFC 9113 §6.5.2 counts */
    struct arena *arena;
};

enum http_version { HTTP_1_0 = 10, HTTP_1_1 = 11, HTTP_2 = 20 };

struct message {
    enum http_version version;
    uint16_t status;        /* responses; 0 in requests */
    struct slice method;    /* requests */
    struct slice scheme;    /* "http" or "https"; empty when unknown */
    struct slice authority; /* Host or :authority, one canonical; empty only in HTTP/1.0 */
    struct slice path; /* origin form with query, as sent; "*" for OPTIONS; empty for CONNECT */
    struct headers headers; /* without host, connection, keep-alive, proxy-connection, te (but
                             * "trailers"), transfer-encoding, upgrade, http2-settings */
    int64_t content_length; /* -1: not said. content-length stays in headers too. */
    struct slice upgrade; /* requests: the protocol asked for; 101 responses: the one switched to */
    bool expect_continue; /* the Expect header stays in headers */
    bool keep_alive;      /* HTTP/1: what the peer said of the connection */
};

void headers_init(struct headers *h, struct arena *arena);
/* name must be lower-case already. Slices are kept, not copied. */
struct header *headers_add(struct headers *h, struct slice name, struct slice value);
struct header *headers_add_id(struct headers *h, enum header_id id, struct slice value);
/* First with that name; NULL when absent. */
struct header *headers_find(const struct headers *h, struct slice name);
struct header *headers_find_id(const struct headers *h, enum header_id id);
/* Value of the first, or the empty slice. */
struct slice headers_get_id(const struct headers *h, enum header_id id);
/* Removes all with that name; returns how many. Order of the rest is kept. */
unsigned headers_remove(struct headers *h, struct slice name);
unsigned headers_remove_id(struct headers *h, enum header_id id);
static inline unsigned headers_remove_if(struct headers *h, bool (*is)(const struct header *))
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        const struct header *item = &h->items[i];
        if (is(item))
            h->bytes -= (uint32_t)(item->name.len + item->value.len + MESSAGE_FIELD_EXTRA);
        else if (kept++ != i)
            h->items[kept - 1] = *item;
    }
    unsigned removed = h->count - kept;
    h->count = kept;
    return removed;
}
/* Replaces all with one. */
void headers_set(struct headers *h, struct slice name, struct slice value);
void headers_set_id(struct headers *h, enum header_id id, struct slice value);
/* Deep copy into to's arena. */
void headers_copy(struct headers *to, const struct headers *from);
/* Lower-case name -> id. */
enum header_id header_id_of(struct slice name);
struct slice header_name_of(enum header_id id);

void message_init(struct message *m, struct arena *arena);
static inline bool message_is_request(const struct message *m)
{
    return m->status == 0;
}
/* RFC 9110 §9.2: safe or PUT or DELETE. */
bool message_is_idempotent(const struct message *m);
/* The path without the query, and the query without '?'. */
struct slice message_path_only(const struct message *m);
struct slice message_query(const struct message *m);
/* The content type is application/grpc or application/grpc+…, in any case and with parameters;
 * application/grpc-web is another one. */
bool message_is_grpc(const struct message *m);
bool message_type_is_grpc(struct slice type);
/* CONNECT (RFC 9110 §9.3.6): a 2xx answer makes the connection a tunnel. */
bool message_is_connect(const struct message *m);
/* The answer to this request may switch protocols: behind it, and its body, raw bytes follow. */
bool message_may_switch(const struct message *m);
/* Strict syntax, shared by both versions (RFC 9110 §5.5, §5.6.2; RFC 9112 §3.2; RFC 3986): */
bool message_name_is_valid(struct slice name);
bool message_value_is_valid(struct slice value);
bool message_authority_is_valid(struct slice authority);
/* Of a valid one: "a:80", not "a" (RFC 9110 §9.3.6 wants it of CONNECT). */
bool message_authority_has_port(struct slice authority);
/* Content-Length: digits, at most INT64_MAX; without leading zeros, which some readers take for
 * octal. *length is set only when it is one. */
bool message_length_parse(struct slice value, int64_t *length);
/* An origin form: path and query, in which all that is not ASCII is UTF-8. */
bool message_path_is_valid(struct slice path);
/* "?…" or nothing. */
bool message_query_is_valid(struct slice query);
/* "200" -> "OK"; never NULL. */
const char *message_reason(unsigned status);
