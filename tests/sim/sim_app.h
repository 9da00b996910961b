/* What a simulated process is to its worker: sidecar/control/app.h without a process.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/control/app.h"

struct app {
    const struct settings *settings;
    struct mailbox *mailbox; /* where workers bring visits back to; NULL: nowhere */
    struct work_pool *work;  /* without threads */
    uint64_t adopted;        /* version of the snapshot that the worker took over last */
    uint32_t sessions_left;
    unsigned asked, dropped; /* destinations */
    struct addr last_asked;
    bool listening;
};
