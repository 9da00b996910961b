/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/http_date.h"

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
    bool good = take_word(&s, "MonTueWedThuFriSatSun") && take(&s, ", ") &&
                civil_take_number(&s, 2, &c.day) && take(&s, " ") &&
                (c.month = take_word(&s, "JanFebMarAprMayJunJulAugSepOctNovDec")) != 0 &&
                take(&s, " ") && civil_take_number(&s, 4, &c.year) && take(&s, " ") &&
                civil_take_number(&s, 2, &c.hour) && take(&s, ":") &&
                civil_take_number(&s, 2, &c.minute) && take(&s, ":") &&
                civil_take_number(&s, 2, &c.second) && take(&s, " GMT") && s.len == 0;
    if (!good || !civil_is_valid(&c))
        return ERR_SYNTAX;
    *ms = civil_to_ms(&c);
    return ERR_OK;
}
