/* A step that may look at, change or answer a request or its response. One file each, with its
 * configuration; what it keeps per exchange is its ctx (zeroed). Filters know the exchange's
 * public face (exchange.h) and lib/base, nothing else. Worker thread; the configuration is
 * immutable and shared.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;

enum verdict {
    VERDICT_NEXT,  /* go on */
    VERDICT_WAIT,  /* exchange_wake will be called; then the same hook is called again with the same
                      ctx */
    VERDICT_REPLY, /* the filter has called exchange_reply: go to the response */
    VERDICT_RESET, /* break both ends off */
};

struct filter_ops {
    const char *name;
    size_t ctx_size;
    enum verdict (*on_request)(struct exchange *ex, const void *conf, void *ctx);
    enum verdict (*on_response)(struct exchange *ex, const void *conf, void *ctx);
    /* on_response is also called, with a ctx that nobody has written to, for answers of our own
     * that were given before the chain had its turn; it does not wait then. */
    bool sees_every_answer;
    /* Exactly once for every filter whose on_request ran (or would have, when it has none). */
    void (*on_end)(struct exchange *ex, const void *conf, void *ctx);
};

struct filter_entry {
    const struct filter_ops *ops;
    const void *conf;
    uint32_t ctx_offset;
};

struct filter_chain {
    const struct filter_entry *entries;
    uint32_t count;
    uint32_t ctx_size; /* of all together */
};
