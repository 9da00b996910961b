/* Ejecting endpoints that fail in a row. The state is shared by all workers (struct
 * endpoint_health, atomics).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "filters/fail.h"
#include "sidecar/config/snapshot.h"

struct cluster;
struct endpoint;

/* now_ms: loop_now_ms. */
bool outlier_is_ejected(const struct endpoint_health *h, uint64_t now_ms);
/* Neither ejected nor found unhealthy by its checks. */
bool outlier_is_healthy(const struct endpoint_health *h, uint64_t now_ms);
void outlier_success(struct endpoint *e);
/* True when this failure ejected the endpoint: log and count it. Never the last usable endpoint of
 * its cluster, never more than the policy's share. */
bool outlier_failure(struct endpoint *e, enum outlier_kind kind);
/* What kind the failure of an attempt is; FAIL_NONE: an answer. */
enum outlier_kind outlier_kind_of(enum fail why);
/* Is an answer of that status one? */
bool outlier_is_failure(const struct outlier_conf *conf, unsigned status);
