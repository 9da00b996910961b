/* Fast pseudo-random numbers for load balancing and jitter (not for secrets), and secure bytes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rand_state {
    uint64_t s[2];
};

void rand_seed(struct rand_state *r, uint64_t seed);
uint64_t rand_next(struct rand_state *r);
/* Uniform in [0, bound); bound > 0. */
uint32_t rand_below(struct rand_state *r, uint32_t bound);
/* Uniform in [0, 1). */
double rand_unit(struct rand_state *r);
#define RAND_UUID_SIZE 37 /* with its NUL */
/* A random UUID (RFC 9562 §5.4), not for secrets. */
void rand_uuid(struct rand_state *r, char out[RAND_UUID_SIZE]);
/* From the kernel; aborts when it has none. */
void rand_secure(void *out, size_t len);
