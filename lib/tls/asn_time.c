/* The two forms that certificates write times in. Pure; any thread. Must not know what time it is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/asn_time.h"

#include <stdio.h>

#include "lib/base/civil.h"

enum { TAG_UTC = 0x17, TAG_GENERALIZED = 0x18 };

uint8_t asn_time_write(int64_t ms, char text[ASN_TIME_TEXT_MAX])
{
    struct civil c;
    civil_from_ms(ms, &c);
    bool is_utc = c.year < 2050;
    snprintf(text, ASN_TIME_TEXT_MAX,
             is_utc ? "%02u%02u%02u%02u%02u%02uZ" : "%04u%02u%02u%02u%02u%02uZ",
             is_utc ? c.year % 100 : c.year % 10000, c.month % 100, c.day % 100, c.hour % 100,
             c.minute % 100, c.second % 100);
    return is_utc ? TAG_UTC : TAG_GENERALIZED;
}

char *asn_time_text(int64_t ms, char text[ASN_TIME_TEXT_MAX])
{
    struct civil c;
    civil_from_ms(ms, &c);
    snprintf(text, ASN_TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", c.year % 10000,
             c.month % 100, c.day % 100, c.hour % 100, c.minute % 100, c.second % 100);
    return text;
}

enum err asn_time_read(uint8_t tag, struct slice value, int64_t *ms)
{
    struct civil c;
    if (tag != TAG_UTC && tag != TAG_GENERALIZED)
        return ERR_SYNTAX;
    if (!civil_take_number(&value, tag == TAG_UTC ? 2 : 4, &c.year) ||
        !civil_take_number(&value, 2, &c.month) || !civil_take_number(&value, 2, &c.day) ||
        !civil_take_number(&value, 2, &c.hour) || !civil_take_number(&value, 2, &c.minute) ||
        !civil_take_number(&value, 2, &c.second) || !slice_eq(value, SLICE("Z")))
        return ERR_SYNTAX;
    if (tag == TAG_UTC)
        c.year += c.year < 50 ? 2000 : 1900;
    if (!civil_is_valid(&c))
        return ERR_SYNTAX;
    *ms = civil_to_ms(&c);
    return ERR_OK;
}
