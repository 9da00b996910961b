/* What a request says of its AWS Signature Version 4: in the Authorization header, or in the query
 * of a presigned URL. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "filters/shape/aws_signature.h"

struct aws_params {
    struct slice key_id;
    struct aws_scope scope;
    struct slice signed_headers, signature, time; /* time: "20130524T000000Z" */
    struct slice payload; /* X-Amz-Content-Sha256; empty: not said */
    struct slice token;   /* X-Amz-Security-Token; empty: none */
    int64_t time_ms;      /* since 1970 */
    int64_t expires_s;    /* presigned: how long it holds; -1: it is not presigned */
};

enum aws_params_fault {
    AWS_PARAMS_OK,
    AWS_PARAMS_MISSING,   /* nothing of a signature is there */
    AWS_PARAMS_MALFORMED, /* not complete, doubled, in both places, or not as it must be */
};

/* All slices are the request's or lie in its arena. */
enum aws_params_fault aws_params_read(const struct filter_exchange *x, struct aws_params *out);
/* Takes all of it out of the request. */
void aws_params_remove(struct filter_exchange *x);
