/* The Consumers that filters' cases know; consumer_world.c has them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/caller/consumer.h"

/* mem_free it. What it points at is constant. */
struct consumer_directory *consumer_world_create(void);
