/* An Update message (policies/proto/discovery.proto) written field by field, so that resources that
 * are packed already are only copied. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/policyd/compile_cache.h"

struct update_write {
    uint8_t *data;
    size_t len, capacity;
};

void update_write_init(struct update_write *w);
void update_write_dispose(struct update_write *w);

void update_write_serial(struct update_write *w, uint64_t serial);
void update_write_resource(struct update_write *w, const struct packed_resource *p);
void update_write_removed(struct update_write *w, struct slice name);
void update_write_answer(struct update_write *w, struct slice address, const struct answer *a);
void update_write_digest(struct update_write *w, uint64_t digest);
