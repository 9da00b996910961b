/* Wall-clock milliseconds as the API's text. Pure; any thread. Must not ask for the time, nor read
 * times: what other clocks say is not relied upon.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_time.h"

#include <stdio.h>
#include <time.h>

char *kube_time_text(int64_t ms, char text[KUBE_TIME_TEXT_MAX])
{
    int64_t seconds = ms / 1000, rest = ms % 1000;
    struct tm tm;
    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    time_t when = (time_t)seconds;
    gmtime_r(&when, &tm);
    size_t len = strftime(text, KUBE_TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, KUBE_TIME_TEXT_MAX - len, ".%06uZ", (unsigned)rest * 1000);
    return text;
}
