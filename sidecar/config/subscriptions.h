/* The addresses that a data plane wants to be told about: who asked how often, what policyd was
 * told, and what it has answered. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/addr.h"
#include "lib/base/list.h"
#include "lib/base/map.h"

struct subscriptions_address {
    struct addr addr;
    char text[ADDR_TEXT_MAX];
    struct list changed; /* something about it is to be told */
    unsigned users;
    bool is_told, is_answered;
};

struct subscriptions {
    struct map by_text; /* struct subscriptions_address */
    struct list changed;
};

void subscriptions_init(struct subscriptions *w);
void subscriptions_dispose(struct subscriptions *w);
size_t subscriptions_count(const struct subscriptions *w);
/* True when it is answered already. */
bool subscriptions_add(struct subscriptions *w, const struct addr *addr);
void subscriptions_drop(struct subscriptions *w, const struct addr *addr);
/* NULL: nobody wants it. */
struct subscriptions_address *subscriptions_find(const struct subscriptions *w, struct slice text);
/* What policyd is to be told since the last time; now it is told. Each array has room for
 * wanted_changed(w); the texts of `drop` are the caller's to mem_free, those of `add` are not. */
size_t subscriptions_changed(const struct subscriptions *w);
void subscriptions_tell(struct subscriptions *w, char **add, size_t *add_count, char **drop,
                        size_t *drop_count);
/* There is no stream: what nobody wants any more is simply forgotten. */
void subscriptions_forget_unused(struct subscriptions *w);
/* A new stream: nothing was told on it. Fills `all` (wanted_count of room) with what is wanted, and
 * takes that for told. */
size_t subscriptions_tell_all(struct subscriptions *w, char **all);
