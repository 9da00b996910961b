/* Our kinds as the API server has them: where they are listed, and which of them we want. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "policies/kind.h"

#define KUBE_KINDS_PATH_MAX 96

struct kube_kind {
    enum kind_id id;
    const char *plural;
    const char *selectors; /* of the list; "" for all */
};

extern const struct kube_kind kube_kinds[];
extern const size_t kube_kinds_count;

/* "gateway.networking.k8s.io/v1", of the version that is watched and written. */
const char *kube_kinds_version(enum kind_id id);
/* NULL: not watched. */
const struct kube_kind *kube_kinds_find(enum kind_id id);
/* "/apis/gateway.networking.k8s.io/v1/gateways". Returns path. */
char *kube_kinds_path(const struct kube_kind *k, char path[KUBE_KINDS_PATH_MAX]);
