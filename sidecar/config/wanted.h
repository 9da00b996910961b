/* The addresses that a data plane wants to be told about: who asked how often, what policyd was
 * told, and what it has answered. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/addr.h"
#include "lib/base/list.h"
#include "lib/base/map.h"

struct wanted_address {
    struct addr addr;
    char text[ADDR_TEXT_MAX];
    struct list changed; /* something about it is to be told */
    unsigned users;
    bool is_told, is_answered;
};

struct wanted {
    struct map by_text; /* struct wanted_address */
    struct list changed;
};

void wanted_init(struct wanted *w);
void wanted_dispose(struct wanted *w);
size_t wanted_count(const struct wanted *w);
/* True when it is answered already. */
bool wanted_add(struct wanted *w, const struct addr *addr);
void wanted_drop(struct wanted *w, const struct addr *addr);
/* NULL: nobody wants it. */
struct wanted_address *wanted_find(const struct wanted *w, struct slice text);
/* What policyd is to be told since the last time; now it is told. Each array has room for
 * wanted_changed(w); the texts of `drop` are the caller's to mem_free, those of `add` are not. */
size_t wanted_changed(const struct wanted *w);
void wanted_tell(struct wanted *w, char **add, size_t *add_count, char **drop, size_t *drop_count);
/* There is no stream: what nobody wants any more is simply forgotten. */
void wanted_forget_unused(struct wanted *w);
/* A new stream: nothing was told on it. Fills `all` (wanted_count of room) with what is wanted, and
 * takes that for told. */
size_t wanted_tell_all(struct wanted *w, char **all);
