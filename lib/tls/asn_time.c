/* Calendar arithmetic for certificate times: proleptic Gregorian, UTC, no leap seconds. Pure; any
 * thread. Must not know what time it is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/asn_time.h"

#include <stdbool.h>
#include <stdio.h>

enum { TAG_UTC = 0x17, TAG_GENERALIZED = 0x18 };

struct civil {
    unsigned year, month, day, hour, minute, second;
};

/* Days since 1970-01-01 of a date, counting years from March so that the leap day is the last. */
static int64_t days_of(const struct civil *c)
{
    int64_t y = (int64_t)c->year - (c->month <= 2);
    int64_t era = y / 400, year_of_era = y % 400;
    int64_t month = (c->month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + c->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, struct civil *c)
{
    days += 719468;
    int64_t era = days / 146097, rest = days % 146097;
    int64_t year = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    int64_t day_of_year = rest - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    c->day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
    c->month = (unsigned)(month < 10 ? month + 3 : month - 9);
    c->year = (unsigned)(year + era * 400 + (c->month <= 2));
}

static void civil_of(int64_t ms, struct civil *c)
{
    /* Nothing before the epoch occurs; a negative time is a caller's mistake and becomes the epoch.
     */
    int64_t seconds = ms < 0 ? 0 : ms / 1000;
    int64_t last = 253402300799; /* 9999-12-31T23:59:59Z */
    if (seconds > last)
        seconds = last;
    date_of(seconds / 86400, c);
    unsigned of_day = (unsigned)(seconds % 86400);
    c->hour = of_day / 3600;
    c->minute = of_day / 60 % 60;
    c->second = of_day % 60;
}

uint8_t asn_time_write(int64_t ms, char text[ASN_TIME_TEXT_MAX])
{
    struct civil c;
    civil_of(ms, &c);
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
    civil_of(ms, &c);
    snprintf(text, ASN_TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", c.year % 10000,
             c.month % 100, c.day % 100, c.hour % 100, c.minute % 100, c.second % 100);
    return text;
}

static bool take_number(struct slice *s, size_t digits, unsigned *out)
{
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        if (i >= s->len || s->ptr[i] < '0' || s->ptr[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(s->ptr[i] - '0');
    }
    *s = slice_sub(*s, digits, s->len);
    return true;
}

static bool is_date(const struct civil *c)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c->month < 1 || c->month > 12 || c->hour > 23 || c->minute > 59 || c->second > 59)
        return false;
    bool is_leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);
    unsigned last = days[c->month - 1] + (c->month == 2 && is_leap);
    return c->day >= 1 && c->day <= last;
}

enum err asn_time_read(uint8_t tag, struct slice value, int64_t *ms)
{
    struct civil c;
    if (tag != TAG_UTC && tag != TAG_GENERALIZED)
        return ERR_SYNTAX;
    if (!take_number(&value, tag == TAG_UTC ? 2 : 4, &c.year) ||
        !take_number(&value, 2, &c.month) || !take_number(&value, 2, &c.day) ||
        !take_number(&value, 2, &c.hour) || !take_number(&value, 2, &c.minute) ||
        !take_number(&value, 2, &c.second) || !slice_eq(value, SLICE("Z")))
        return ERR_SYNTAX;
    if (tag == TAG_UTC)
        c.year += c.year < 50 ? 2000 : 1900;
    if (!is_date(&c))
        return ERR_SYNTAX;
    int64_t seconds = days_of(&c) * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
    *ms = seconds * 1000;
    return ERR_OK;
}
