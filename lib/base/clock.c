/* The two system clocks. Any thread. Must only be reached from programs, lib/io and the log.
 * Nothing else in layers 0 and 1 may ask for the time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/clock.h"

#include <time.h>

uint64_t clock_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
