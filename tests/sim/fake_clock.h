/* The two system clocks of a program under test, which then stand still but for the simulated loop:
 * they are linked instead of lib/base/clock.c. What TLS verifies goes by the real time, so the wall
 * clock begins there.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

struct loop;

/* From now on the clocks go as the loop does; NULL: they stand. */
void fake_clock_follow(struct loop *l);
/* The wall clock alone jumps. */
void fake_clock_jump(int64_t ms);
