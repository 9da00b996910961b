/* PEM (RFC 7468): finding, decoding and writing blocks. Text between blocks is skipped; a block
 * that is cut short, carries headers (an encrypted key) or is not base64 is an error. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct pem_block {
    struct slice label;  /* "CERTIFICATE" */
    struct slice base64; /* with its line breaks */
    struct slice whole;  /* from BEGIN through END, without the last line break */
};

/* Takes the next block off *rest. ERR_EOF: no more; ERR_SYNTAX: begun and not ended, or headers,
 * and *rest goes on behind the line that begins it. */
MUST_USE enum err pem_next(struct slice *rest, struct pem_block *out);
/* *der is mem_alloc'ed. ERR_SYNTAX, or ERR_LIMIT above 256 KiB. */
MUST_USE enum err pem_decode(const struct pem_block *block, uint8_t **der, size_t *len);
/* The first block whose label is `label` (or label2, may be NULL), decoded. ERR_NOT_FOUND. */
MUST_USE enum err pem_find(struct slice text, const char *label, const char *label2, uint8_t **der,
                           size_t *len);
/* NUL-terminated, with a line break at its end; mem_free it. */
char *pem_encode(const char *label, struct slice der);
