/* The table of fail.def as data.
 * Immutable; any thread. Must not decide anything: who fails, and how, is for the exchange.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/fail.h"

#include <ctype.h>

enum { LABEL_MAX = 32 };

#define X(name, http, grpc, flag, retryable, text) \
    {{#name, sizeof(#name) - 1}, http,      grpc,  \
     {flag, sizeof(flag) - 1},   retryable, {text, sizeof(text) - 1}},
static struct fail_info table[FAIL_COUNT] = {
#include "sidecar/fail.def"
};
#undef X

static char labels[FAIL_COUNT][LABEL_MAX];

/* The names are upper-case in the code and lower-case on the wire. Before main, so that no thread
 * has to ask. */
__attribute__((constructor)) static void make_labels(void)
{
    for (int i = 0; i < FAIL_COUNT; i++) {
        for (size_t at = 0; at < table[i].label.len && at < LABEL_MAX; at++)
            labels[i][at] = (char)tolower((unsigned char)table[i].label.ptr[at]);
        table[i].label.ptr = labels[i];
    }
}

const struct fail_info *fail_info(enum fail f)
{
    return &table[f < FAIL_COUNT ? f : FAIL_INTERNAL];
}
