/* A process around the worker of a control_bed: its real struct app with the three servers, asked
 * as people and Kubernetes do. The folder, the stream, the identity and the kernel's sockets are
 * fakes. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "sidecar/control/app_admin.h"
#include "filters/keep.h"
#include "sidecar/control/app_priv.h"
#include "sidecar/source/source_stream.h"
#include "sidecar/control/settings.h"
#include "tests/sim/cmocka_sim.h"
#include "tests/sim/control_bed.h"

struct control_fakes {
    uint64_t rejected, renewals;
    unsigned reloads, failures; /* failures: of requests for a certificate */
    bool is_folder_bad, has_sockets, is_trusted;
    struct filter_purge purged;
    char purged_url[64];
    struct source_stream_status stream;
};
extern struct control_fakes fakes;

struct world {
    struct control_bed bed;
    struct app app;
    uint64_t adopted;
    uint32_t sessions_left;
    struct addr admin, metrics, health;
    char answer[262144];
};

/* With settings that a test may change before app_admin_open. */
struct world *control_world_prepare(void);
struct world *control_world_open(void);
void control_world_close(struct world *w);
/* From now on weft-policyd has the configuration, and fakes.stream says how that goes. */
void control_world_use_stream(struct world *w);
/* The whole answer, head and body; valid until the next. */
const char *control_world_ask(struct world *w, const struct addr *at, const char *method,
                              const char *path);
/* That status, and `part` somewhere in the answer. */
void control_world_expect(struct world *w, const struct addr *at, const char *method,
                          const char *path, unsigned status, const char *part);
