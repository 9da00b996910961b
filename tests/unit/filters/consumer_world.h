/* The Consumers that filters' cases know; consumer_world.c has them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

/* mem_free it. What it points at is constant. */
struct consumer_directory *consumer_world_create(void);
/* "shop/ann" is who the request is from, by a filter that came before. Empty: nobody was asked. */
void consumer_world_let_in(struct filter_exchange *x, struct slice id);
