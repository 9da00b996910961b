/* Answers that are put together from those of several services: what users say of each part, the
 * request for it, what came of that, and the whole in JSON. Texts of the services are passed on as
 * they are, once they were seen to be JSON.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/shape/template.h"
#include "lib/codec/doc/json_find.h"

#define PARTS_MAX 16u
#define PARTS_BYTES_MAX (4u << 20) /* of all answers together */

/* ---- what users write ---- */

struct part_spec {
    struct slice field;
    const struct schema_ref *backend;
    int method;
    struct slice path, body, pick, fallback;
    struct schema_list forward; /* struct slice */
    int64_t timeout_ms, max_body;
    bool is_required;
};

enum parts_metadata { PARTS_METADATA_PARTIAL, PARTS_METADATA_ALWAYS };

struct parts_spec {
    struct schema_list parts; /* struct part_spec */
    int64_t partial_status;
    struct slice metadata_field;
    int metadata;
};

extern const struct schema parts_spec_schema;

/* ---- what is made of it ---- */

/* Immutable. */
struct part {
    struct slice field;
    struct slice member; /* "user": as it is written, with quotes and colon */
    struct slice cluster, method;
    struct template path, body;
    struct json_path pick;
    struct slice fallback;       /* JSON; null when nothing was said */
    const struct header *forward; /* names and ids */
    uint32_t forward_count;
    uint32_t timeout_ms, body_max;
    bool has_body, is_required;
};

struct parts {
    const struct part *items;
    uint32_t count;
    unsigned partial_status;
    struct slice metadata; /* "_metadata": */
    bool always_metadata;
};

MUST_USE enum err parts_prepare(const struct filter_build *b, const struct parts_spec *s,
                                struct parts *to);

/* ---- of one request ---- */

enum part_outcome {
    PART_PENDING,
    PART_CAME,
    PART_TIMEOUT,
    PART_UNAVAILABLE, /* nobody could be asked, or the connection broke */
    PART_STATUS,      /* the status is no success */
    PART_TOO_LARGE,
    PART_INVALID,   /* not JSON */
    PART_ABSENT,    /* `pick` leads nowhere */
    PART_NO_VALUE,  /* the request lacks a value that the path needs */
    PART_BAD_PATH,  /* the values have made a path that leads elsewhere */
};

struct part_run {
    enum part_outcome outcome;
    unsigned status;   /* of the service; 0: it has not answered */
    bool is_read;      /* json_find has begun */
    struct slice json; /* when it came */
    struct filter_call call;
    struct json_find find;
};

/* "timeout": for clients and the log. */
const char *part_outcome_name(enum part_outcome outcome);
/* Its outcome may be there when this returns. */
void part_ask(const struct part *p, struct filter_exchange *x, struct part_run *run);
/* Looks at what has come, for at most *budget bytes, which become less; what is left wants another
 * turn. */
void part_look(const struct part *p, struct part_run *run, size_t *budget);

/* All are over. The whole in the exchange's arena; *failed: how many did not come. */
struct slice parts_compose(const struct parts *c, const struct part_run *runs,
                           struct filter_exchange *x, uint32_t *failed);
