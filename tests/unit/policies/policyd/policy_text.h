/* Policy sets for tests of policyd, out of YAML: whole, finished, or the test fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "policies/store/policy_set.h"

/* All that the YAML says, finished; destroy it. */
static inline struct policy_set *policy_text_set(const char *yaml)
{
    struct policy_set *set = policy_set_create();
    struct diag_list diags;
    diag_list_init(&diags);
    enum err e = policy_set_add_text(set, SLICE("test"), slice_from_cstr(yaml), &diags);
    LIST_FOREACH(node, &diags.items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        print_message("%.*s: %.*s\n", SLICE_ARG(d->path), SLICE_ARG(d->text));
    }
    assert_int_equal(e, ERR_OK);
    assert_int_equal(policy_set_finish(set, &diags), ERR_OK);
    diag_list_dispose(&diags);
    return set;
}
