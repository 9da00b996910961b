/* Everything that is to be said of a set of objects: by whoever reads them, by the compiler, by the
 * data plane's builder, and by the checks of policies/analyze. For validate and analyze, so that
 * both say the same. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/analyze/analyze.h"
#include "policies/store/policy_set.h"

struct examination {
    struct diag_list diags; /* rated: see finding.h */
    size_t objects;
    bool could_look; /* false: a path is not there */
};

/* Folders, files, "-". now_ms: wall clock. */
void examine_paths(struct examination *e, const char *const *paths, size_t count, int64_t now_ms);
/* A finished set of a cluster. */
void examine_store(struct examination *e, struct policy_store *store, int64_t now_ms);
void examine_dispose(struct examination *e);
