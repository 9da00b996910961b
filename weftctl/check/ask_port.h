/* One question to a port inside a pod, through the API server's port-forward: a TLS handshake, or a
 * page. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "weftctl/check/ask.h"

struct ask_port_call;

struct ask_port_result {
    bool ok, no_way;
    unsigned status; /* of the page, or of the API server when it opened no way */
    struct slice body, detail;
    int64_t not_after_ms;
};
/* Once, never from inside the call; the result lives until it returns. */
typedef void (*ask_port_done_fn)(void *owner, const struct ask_port_result *result);

struct ask_port_call *ask_port_handshake(struct api *a, const struct ask_port *at,
                                         struct slice roots_pem, struct slice spiffe_id,
                                         struct slice dns_name, ask_port_done_fn done, void *owner);
struct ask_port_call *ask_port_get(struct api *a, const struct ask_port *at, const char *path,
                                   ask_port_done_fn done, void *owner);
/* NULL: nothing. Nothing is told any more. */
void ask_port_end(struct ask_port_call *call);
