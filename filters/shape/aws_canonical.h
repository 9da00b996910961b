/* The canonical form of a request that AWS Signature Version 4 signs. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/codec/http/message.h"

/* All in the arena. */
struct aws_canonical {
    struct slice text;           /* of which the hash is signed */
    struct slice signed_headers; /* "host;x-amz-date" */
    struct slice target;         /* path and query as they have to be sent then */
};

/* Signed are the host and everything that begins with "x-amz-". The query is sorted and encoded
 * anew, without a signature that a client has put there. is_s3: its objects have the path as it is;
 * for all other services dots and doubled slashes go, and each segment is encoded once more.
 * payload: hexadecimal hash of the body, or "UNSIGNED-PAYLOAD". */
void aws_canonical_make(struct arena *arena, const struct message *request, bool is_s3,
                        struct slice payload, struct aws_canonical *out);
/* The text of a request that a client has signed: target is what it sent, names the headers that it
 * says are signed ("host;x-amz-date"). False: one of them is not there. */
MUST_USE bool aws_canonical_of_signed(struct arena *arena, const struct message *request,
                                      struct slice target, bool is_s3, struct slice payload,
                                      struct slice names, struct slice *text);
/* A parameter of the query, decoded. */
struct slice aws_canonical_decode(struct arena *arena, struct slice s);
