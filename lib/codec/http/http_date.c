/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/http_date.h"

#include <stdio.h>

#include "lib/base/civil.h"

/* One of the words of three letters; from 1. 0: none. */
static unsigned take_word(struct slice *s, const char *words)
{
    struct slice three = slice_sub(*s, 0, 3);
    for (unsigned i = 0; three.len == 3 && words[i * 3]; i++)
        if (memcmp(three.ptr, words + (size_t)i * 3, 3) == 0) {
            *s = slice_sub(*s, 3, s->len);
            return i + 1;
        }
    return 0;
}

#define DAYS "MonTueWedThuFriSatSun"
#define MONTHS "JanFebMarAprMayJunJulAugSepOctNovDec"

static bool take(struct slice *s, const char *text)
{
    struct slice want = slice_from_cstr(text);
    if (!slice_starts_with(*s, want))
        return false;
    *s = slice_sub(*s, want.len, s->len);
    return true;
}

enum err http_date_read(struct slice text, int64_t *ms)
{
    struct civil c = {0};
    struct slice s = text;
    bool good = take_word(&s, DAYS) && take(&s, ", ") &&
                civil_take_number(&s, 2, &c.day) && take(&s, " ") &&
                (c.month = take_word(&s, MONTHS)) != 0 &&
                take(&s, " ") && civil_take_number(&s, 4, &c.year) && take(&s, " ") &&
                civil_take_number(&s, 2, &c.hour) && take(&s, ":") &&
                civil_take_number(&s, 2, &c.minute) && take(&s, ":") &&
                civil_take_number(&s, 2, &c.second) && take(&s, " GMT") && s.len == 0;
    if (!good || !civil_is_valid(&c))
        return ERR_SYNTAX;
    *ms = civil_to_ms(&c);
    return ERR_OK;
}

void http_date_write(int64_t ms, char to[HTTP_DATE_SIZE])
{
    struct civil c;
    civil_from_ms(ms, &c);
    /* 1970-01-01 was a Thursday. */
    unsigned day = (unsigned)((civil_to_ms(&c) / 86400000 + 3) % 7);
    snprintf(to, HTTP_DATE_SIZE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", &DAYS[day * 3],
             c.day % 100, &MONTHS[(c.month - 1) * 3], c.year % 10000, c.hour % 100,
             c.minute % 100, c.second % 100);
}

static bool take_time(struct slice *s, struct civil *c)
{
    return civil_take_number(s, 2, &c->hour) && take(s, ":") &&
           civil_take_number(s, 2, &c->minute) && take(s, ":") &&
           civil_take_number(s, 2, &c->second);
}

/* The last year with these two digits that is not more than 50 years ahead. */
static unsigned whole_year(unsigned two, int64_t now_ms)
{
    struct civil now;
    civil_from_ms(now_ms, &now);
    unsigned year = now.year / 100 * 100 + 100 + two;
    while (year > now.year + 50)
        year -= 100;
    return year;
}

static bool read_rfc850(struct slice s, int64_t now_ms, struct civil *c)
{
    size_t comma = slice_find_byte(s, ',');
    struct slice day = slice_sub(s, 0, comma);
    if (!take_word(&day, DAYS) || !slice_ends_with(day, SLICE("day")))
        return false;
    s = slice_sub(s, comma, s.len);
    bool good = take(&s, ", ") && civil_take_number(&s, 2, &c->day) && take(&s, "-") &&
                (c->month = take_word(&s, MONTHS)) != 0 && take(&s, "-") &&
                civil_take_number(&s, 2, &c->year) && take(&s, " ") && take_time(&s, c) &&
                take(&s, " GMT") && s.len == 0;
    c->year = good ? whole_year(c->year, now_ms) : 0;
    return good;
}

static bool read_asctime(struct slice s, struct civil *c)
{
    return take_word(&s, DAYS) && take(&s, " ") && (c->month = take_word(&s, MONTHS)) != 0 &&
           take(&s, " ") &&
           (take(&s, " ") ? civil_take_number(&s, 1, &c->day)
                          : civil_take_number(&s, 2, &c->day)) &&
           take(&s, " ") && take_time(&s, c) && take(&s, " ") &&
           civil_take_number(&s, 4, &c->year) && s.len == 0;
}

enum err http_date_read_any(struct slice text, int64_t now_ms, int64_t *ms)
{
    struct civil old = {0}, oldest = {0};
    if (http_date_read(text, ms) == ERR_OK)
        return ERR_OK;
    const struct civil *c = read_rfc850(text, now_ms, &old) ? &old
                            : read_asctime(text, &oldest)   ? &oldest
                                                            : NULL;
    if (!c || !civil_is_valid(c))
        return ERR_SYNTAX;
    *ms = civil_to_ms(c);
    return ERR_OK;
}
