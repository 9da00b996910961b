/* The list of verbs. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

struct verb {
    const char *name, *what;
    int (*run)(int argc, char **argv);
    const char *options; /* the long ones, for completion: "--namespace --output" */
};

extern const struct verb verbs_all[];
extern const size_t verbs_count;
