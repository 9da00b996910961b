/* Looks for a text in the packed resource, and says so as the builder does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/policies/policyd/fake_fit.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "sidecar/fit/fit.h"

const char *fake_fit_bad;
unsigned fake_fit_checks;

unsigned fit_check_resource(Weft__Config__V1__Resource *r, snapshot_refused_fn refused, void *owner)
{
    char why[256];
    uint8_t *bytes = mem_alloc(weft__config__v1__resource__get_packed_size(r) + 1);
    size_t len = weft__config__v1__resource__pack(r, bytes);
    bool is_bad = fake_fit_bad && memmem(bytes, len, fake_fit_bad, strlen(fake_fit_bad));
    fake_fit_checks++;
    mem_free(bytes);
    if (!is_bad)
        return 0;
    snprintf(why, sizeof why, "%s: it has %s", r->name, fake_fit_bad);
    refused(owner, r->name, why);
    return 1;
}
