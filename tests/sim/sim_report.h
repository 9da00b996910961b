/* What finished exchanges and tunnels reported, for tests to look at.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "sidecar/fail.h"

struct sim_report {
    unsigned exchanges, tunnels_opened, tunnels_closed;
    /* of the last one */
    enum fail fail;
    unsigned attempts, status;
    uint64_t request_bytes, response_bytes;
};

extern struct sim_report sim_report;
