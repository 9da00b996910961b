/* A pod gets its sidecar: which pods do, and what is added to them, as a JSON patch. The webhook
 * and `weftctl inject` use the same. Pure; what it makes lies in the arena.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/inject/json_patch.h"

/* What is known of the namespace that a pod will run in. */
struct inject_namespace {
    const struct doc *annotations, *labels;
    const struct doc *const *limit_ranges; /* `spec` of each LimitRange */
    size_t limit_range_count;
};

/* What whoever runs the mesh decides, for all pods. */
struct inject_config {
    struct slice image, pull_policy;
    /* Whatever a pod's resolver is told (dnsPolicy, search, ndots), the whole name with a dot at
     * its end means the same: "weft-policyd.weft-system.svc.cluster.local.:15012". */
    struct slice discovery, certd;
    struct slice discovery_ip, certd_ip; /* for pods whose resolver knows none; empty: not known */
    struct slice trust_domain;
    struct slice system_namespace; /* where Weft itself lives: never injected */
    bool native;                   /* unless a pod says otherwise */
    const struct inject_namespace *space; /* of this pod; NULL: nothing is known */
    const struct doc *defaults;           /* annotations that hold where nobody says otherwise */
    struct slice hook_key; /* of this pod alone: a word in the paths of its hooks that nobody can
                              guess; empty: made from the pod */
};

#define INJECT_CONFIG_DEFAULT                                                                  \
    {                                                                                          \
        .image = SLICE("weft.local/weft:" WEFT_VERSION), .pull_policy = SLICE("IfNotPresent"), \
        .discovery = SLICE("weft-policyd.weft-system.svc.cluster.local.:15012"),               \
        .certd = SLICE("weft-certd.weft-system.svc.cluster.local.:15012"),                     \
        .trust_domain = SLICE("cluster.local"), .system_namespace = SLICE("weft-system"),      \
        .native = true                                                                         \
    }

#define INJECT_SIDECAR_NAME "weft-sidecar"
#define INJECT_REDIRECT_NAME "weft-redirect"
#define INJECT_STATUS "weft.dev/status"
#define INJECT_INHERITED "weft.dev/inherited-settings"

enum inject_verdict {
    INJECT_PATCHED,
    INJECT_SKIPPED, /* not for it; `why` says so */
    INJECT_REFUSED, /* it asks for something that cannot be; `why` says what */
};

#define INJECT_WARNINGS_MAX 16

struct inject_result {
    enum inject_verdict verdict;
    struct slice why;
    struct json_patch patch;
    struct slice warnings[INJECT_WARNINGS_MAX];
    size_t warning_count;
    struct slice inherited; /* settings that are not the pod's own: "proxy-workers=2 (namespace)" */
};

/* pod: has metadata and spec; a Pod or a pod template. base: where it lies in the document that the
 * patch is for ("", "/spec/template"). namespace_name: where it will run; may be empty. */
void inject_pod(const struct inject_config *config, const struct doc *pod,
                struct slice namespace_name, const char *base, struct arena *arena,
                struct inject_result *out);
