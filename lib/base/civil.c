/* Calendar arithmetic.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/civil.h"

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

void civil_from_ms(int64_t ms, struct civil *c)
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

bool civil_is_valid(const struct civil *c)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c->month < 1 || c->month > 12 || c->hour > 23 || c->minute > 59 || c->second > 59)
        return false;
    bool is_leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);
    unsigned last = days[c->month - 1] + (c->month == 2 && is_leap);
    return c->day >= 1 && c->day <= last;
}

int64_t civil_to_ms(const struct civil *c)
{
    return (days_of(c) * 86400 + c->hour * 3600 + c->minute * 60 + c->second) * 1000;
}

bool civil_take_number(struct slice *s, size_t digits, unsigned *out)
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

static bool take_byte(struct slice *s, char byte)
{
    bool is_there = s->len && *s->ptr == byte;
    *s = slice_sub(*s, is_there, s->len);
    return is_there;
}

/* ".123456" in milliseconds; nothing is 0. */
static bool take_fraction(struct slice *s, unsigned *ms)
{
    unsigned weight = 100, digit;
    *ms = 0;
    if (!take_byte(s, '.'))
        return true;
    if (!civil_take_number(s, 1, &digit))
        return false;
    do {
        *ms += digit * weight;
        weight /= 10;
    } while (civil_take_number(s, 1, &digit));
    return true;
}

enum err civil_read(struct slice text, int64_t *ms)
{
    struct civil c;
    unsigned fraction;
    bool ok = civil_take_number(&text, 4, &c.year) && take_byte(&text, '-') &&
              civil_take_number(&text, 2, &c.month) && take_byte(&text, '-') &&
              civil_take_number(&text, 2, &c.day) && take_byte(&text, 'T') &&
              civil_take_number(&text, 2, &c.hour) && take_byte(&text, ':') &&
              civil_take_number(&text, 2, &c.minute) && take_byte(&text, ':') &&
              civil_take_number(&text, 2, &c.second) && take_fraction(&text, &fraction);
    if (!ok || !slice_eq(text, SLICE("Z")) || !civil_is_valid(&c))
        return ERR_SYNTAX;
    *ms = civil_to_ms(&c) + fraction;
    return ERR_OK;
}
