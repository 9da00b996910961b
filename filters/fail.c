/* The table of fail.def as data, and the tables of the filters behind it. Immutable; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/fail.h"


#include "filters/filter.h"

enum { LABEL_MAX = 32 };

#define X(name, http, grpc, flag_, text_)          \
    {.label = {#name, sizeof(#name) - 1},          \
     .http_status = http,                          \
     .grpc_status = grpc,                          \
     .flag = {flag_, sizeof(flag_) - 1},           \
     .text = {text_, sizeof(text_) - 1}},
static struct fail_info table[FAIL_COUNT] = {
#include "filters/fail.def"
};
#undef X

static char labels[FAIL_COUNT][LABEL_MAX];

/* The names are upper-case in the code and lower-case on the wire. Before main, so that no thread
 * has to ask. */
__attribute__((constructor)) static void make_labels(void)
{
    for (int i = 0; i < FAIL_COUNT; i++) {
        for (size_t at = 0; at < table[i].label.len && at < LABEL_MAX; at++)
            labels[i][at] = slice_lower_byte(table[i].label.ptr[at]);
        table[i].label.ptr = labels[i];
    }
}

const struct fail_info *fail_info(enum fail f)
{
    unsigned left = (unsigned)f - FAIL_COUNT;
    if ((unsigned)f < FAIL_COUNT)
        return &table[f];
    for (size_t i = 0; i < filter_count; i++) {
        if (left < filter_all[i]->fail_count)
            return &filter_all[i]->fails[left];
        left -= (unsigned)filter_all[i]->fail_count;
    }
    return &table[FAIL_INTERNAL];
}

enum fail fail_of(const struct fail_info *info)
{
    for (unsigned f = 0; f < fail_total(); f++)
        if (fail_info((enum fail)f) == info)
            return (enum fail)f;
    return FAIL_INTERNAL;
}

unsigned fail_total(void)
{
    unsigned total = FAIL_COUNT;
    for (size_t i = 0; i < filter_count; i++)
        total += (unsigned)filter_all[i]->fail_count;
    return total;
}
