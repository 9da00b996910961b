/* A short list of references. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/bed_keeps.h"

#include "tests/unit/sidecar/cmocka_sidecar.h"

void bed_keeps_hold(void *holder, struct filter_keep *keep)
{
    struct bed_keeps *kept = holder;
    assert_true(kept->count < sizeof(kept->items) / sizeof(kept->items[0]));
    kept->items[kept->count++] = keep;
}

void bed_keeps_let_go(struct bed_keeps *kept)
{
    while (kept->count > 0)
        filter_keep_unref(kept->items[--kept->count]);
}
