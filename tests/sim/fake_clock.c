/* Both clocks out of the simulated loop's.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/fake_clock.h"

#include <time.h>

#include "lib/base/clock.h"
#include "lib/io/loop.h"

static struct loop *loop;
static int64_t wall_offset_ms, last_ms;

static int64_t loop_ms(void)
{
    if (loop)
        last_ms = (int64_t)loop_now_ms(loop);
    return last_ms;
}

void fake_clock_follow(struct loop *l)
{
    if (l)
        wall_offset_ms = (int64_t)time(NULL) * 1000 - (int64_t)loop_now_ms(l);
    else
        loop_ms();
    loop = l;
}

void fake_clock_jump(int64_t ms)
{
    wall_offset_ms += ms;
}

uint64_t clock_mono_ns(void)
{
    return (uint64_t)loop_ms() * 1000000;
}

int64_t clock_wall_ms(void)
{
    int64_t at = wall_offset_ms + loop_ms();
    return at ? at : (int64_t)time(NULL) * 1000;
}
