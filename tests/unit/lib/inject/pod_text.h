/* Pods as YAML text for tests: injected, applied, and asked by path.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/inject/inject.h"

struct pod_text {
    struct arena arena;
    const struct doc *before, *after; /* after: the patch applied */
    struct inject_result result;
};

extern const struct inject_config pod_text_config;

/* The text must parse, and the patch must apply. */
void pod_text_inject(struct pod_text *p, const struct inject_config *config, const char *yaml);
void pod_text_dispose(struct pod_text *p);
/* The node at a path of `after` as JSON on one line; "" when there is none. Until dispose. */
const char *pod_text_at(struct pod_text *p, const char *path);
/* Any document as JSON. */
const char *pod_text_json(struct arena *a, const struct doc *d);
/* Parses YAML of one document. */
const struct doc *pod_text_parse(struct arena *a, const char *yaml);
