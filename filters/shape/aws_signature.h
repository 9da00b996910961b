/* The signature of AWS Signature Version 4: a chain of HMACs over the parts of its scope, then over
 * the text that is signed. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/slice.h"

#define AWS_SIGNATURE_ALGORITHM "AWS4-HMAC-SHA256"

/* What a signature holds for: "20130524/us-east-1/s3/aws4_request". */
struct aws_scope {
    struct slice day, region, service;
};

/* Hexadecimal SHA-256, in the arena. */
struct slice aws_hash(struct arena *arena, struct slice data);
/* Hexadecimal, in the arena. first_key: "AWS4" and the secret; time: "20130524T000000Z";
 * canonical: the canonical request (aws_canonical.h). */
struct slice aws_signature(struct arena *arena, struct slice first_key,
                           const struct aws_scope *scope, struct slice time,
                           struct slice canonical);
