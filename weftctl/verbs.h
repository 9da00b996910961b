/* The verbs of weftctl: verbs.def lists them. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

struct verb {
    const char *name, *what;
    /* argv[0] is the verb. Returns the exit status; what went wrong was said on stderr. */
    int (*run)(int argc, char **argv);
    const char *options; /* the long ones, for completion: "--namespace --output" */
};

extern const struct verb verbs_all[];
extern const size_t verbs_count;

#define VERB(run, name, what, options) int run(int argc, char **argv);
#include "weftctl/verbs.def"
#undef VERB
