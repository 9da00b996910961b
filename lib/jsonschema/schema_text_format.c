/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jsonschema/schema_text_format.h"

#include <arpa/inet.h>

#include "lib/base/percent.h"
#include "lib/codec/text/regex.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    char lower = slice_lower_byte(c);
    return is_digit(c) || (lower >= 'a' && lower <= 'z');
}

/* `count` digits at the front, as a number; -1: they are not there. */
static int take_digits(struct slice *s, size_t count)
{
    int value = 0;
    if (s->len < count)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(s->ptr[i]))
            return -1;
        value = value * 10 + (s->ptr[i] - '0');
    }
    *s = slice_sub(*s, count, s->len);
    return value;
}

static bool take(struct slice *s, char c)
{
    if (!s->len || slice_lower_byte(s->ptr[0]) != c)
        return false;
    *s = slice_sub(*s, 1, s->len);
    return true;
}

/* ---- times (RFC 3339) ---- */

static bool take_date(struct slice *s)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = take_digits(s, 4);
    if (year < 0 || !take(s, '-'))
        return false;
    int month = take_digits(s, 2);
    if (month < 1 || month > 12 || !take(s, '-'))
        return false;
    int day = take_digits(s, 2);
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day >= 1 && day <= days[month - 1] && (month != 2 || day < 29 || is_leap);
}

/* Minutes east of UTC. */
static bool take_offset(struct slice *s, int *minutes)
{
    *minutes = 0;
    if (take(s, 'z'))
        return true;
    int sign = take(s, '+') ? 1 : take(s, '-') ? -1 : 0;
    int hours = take_digits(s, 2);
    if (!sign || hours < 0 || hours > 23 || !take(s, ':'))
        return false;
    int rest = take_digits(s, 2);
    *minutes = sign * (hours * 60 + rest);
    return rest >= 0 && rest <= 59;
}

/* A leap second is the last one of a day in UTC. */
static bool take_time(struct slice *s)
{
    int offset;
    int hour = take_digits(s, 2);
    if (hour < 0 || hour > 23 || !take(s, ':'))
        return false;
    int minute = take_digits(s, 2);
    if (minute < 0 || minute > 59 || !take(s, ':'))
        return false;
    int second = take_digits(s, 2);
    if (second < 0 || second > 60)
        return false;
    if (take(s, '.')) {
        if (take_digits(s, 1) < 0)
            return false;
        while (take_digits(s, 1) >= 0)
            ;
    }
    if (!take_offset(s, &offset))
        return false;
    int utc = ((hour * 60 + minute - offset) % 1440 + 1440) % 1440;
    return second < 60 || utc == 1439;
}

static bool is_date(struct slice s)
{
    return take_date(&s) && !s.len;
}

static bool is_time(struct slice s)
{
    return take_time(&s) && !s.len;
}

static bool is_date_time(struct slice s)
{
    return take_date(&s) && take(&s, 't') && take_time(&s) && !s.len;
}

/* One number and its unit; *at: the unit's place in `units`. */
static bool take_part(struct slice *s, const char *units, int *at)
{
    if (take_digits(s, 1) < 0)
        return false;
    while (take_digits(s, 1) >= 0)
        ;
    const char *unit = s->len ? strchr(units, s->ptr[0]) : NULL;
    if (!unit || unit - units <= *at || !s->ptr[0])
        return false;
    *at = (int)(unit - units);
    *s = slice_sub(*s, 1, s->len);
    return true;
}

/* RFC 3339, appendix A: units in their order, none between two left out. */
static bool take_parts(struct slice *s, const char *units)
{
    int at = -1, count = 0, first = -1;
    while (s->len && s->ptr[0] != 'T') {
        if (!take_part(s, units, &at))
            return false;
        first = first < 0 ? at : first;
        count++;
    }
    return count == at - first + 1;
}

static bool is_duration(struct slice s)
{
    int at = -1;
    if (!s.len || s.ptr[0] != 'P' || s.len < 3)
        return false;
    s = slice_sub(s, 1, s.len);
    if (slice_ends_with(s, SLICE("W")))
        return take_part(&s, "W", &at) && !s.len;
    if (s.ptr[0] != 'T' && !take_parts(&s, "YMD"))
        return false;
    if (!s.len)
        return true;
    s = slice_sub(s, 1, s.len);
    return s.len && take_parts(&s, "HMS") && !s.len;
}

/* ---- addresses ---- */

static bool is_hostname(struct slice s)
{
    struct slice label;
    if (!s.len || s.len > 253)
        return false;
    while (slice_split(&s, '.', &label)) {
        if (!label.len || label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-')
                return false;
        if (label.len > 3 && label.ptr[2] == '-' && label.ptr[3] == '-' &&
            slice_lower_byte(label.ptr[0]) != 'x')
            return false;
    }
    return true;
}

static bool is_address(struct slice s, int family)
{
    char text[INET6_ADDRSTRLEN + 1] = "";
    unsigned char address[16];
    if (s.len >= sizeof text || slice_find_byte(s, '\0') < s.len)
        return false;
    memcpy(text, s.ptr ? s.ptr : "", s.len);
    return inet_pton(family, text, address) == 1;
}

static bool is_ipv4(struct slice s)
{
    return is_address(s, AF_INET);
}

static bool is_ipv6(struct slice s)
{
    return is_address(s, AF_INET6);
}

static bool is_local_part(struct slice s)
{
    if (!s.len || s.ptr[0] == '.' || s.ptr[s.len - 1] == '.')
        return false;
    if (s.len > 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"')
        return true;
    for (size_t i = 0; i < s.len; i++) {
        bool is_atom = is_alnum(s.ptr[i]) || (s.ptr[i] && strchr("!#$%&'*+-/=?^_`{|}~.", s.ptr[i]));
        if (!is_atom || (s.ptr[i] == '.' && s.ptr[i + 1] == '.'))
            return false;
    }
    return true;
}

static bool is_email(struct slice s)
{
    size_t at = s.len;
    while (at && s.ptr[at - 1] != '@')
        at--;
    if (!at || !is_local_part(slice_sub(s, 0, at - 1)))
        return false;
    struct slice host = slice_sub(s, at, s.len);
    if (host.len < 3 || host.ptr[0] != '[' || host.ptr[host.len - 1] != ']')
        return is_hostname(host);
    host = slice_sub(host, 1, host.len - 2);
    return slice_starts_with(host, SLICE("IPv6:")) ? is_ipv6(slice_sub(host, 5, host.len))
                                                   : is_ipv4(host);
}

/* ---- URIs (RFC 3986) ---- */

static bool is_uri_text(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '%' && percent_byte(s.ptr + i, s.ptr + s.len) < 0)
            return false;
        if (!is_alnum(c) && !(c && strchr("-._~:/?#[]@!$&'()*+,;=%", c)))
            return false;
    }
    size_t hash = slice_find_byte(s, '#');
    return hash == s.len ||
           slice_find_byte(slice_sub(s, hash + 1, s.len), '#') == slice_sub(s, hash + 1, s.len).len;
}

static bool has_sound_authority(struct slice s)
{
    size_t at = slice_find(s, SLICE("//"));
    size_t end = at + 2;
    if (at == s.len)
        return slice_find_byte(s, '[') == s.len;
    while (end < s.len && !strchr("/?#", s.ptr[end]))
        end++;
    struct slice authority = slice_sub(s, at + 2, end - at - 2);
    struct slice tail = slice_sub(s, end, s.len);
    size_t user = slice_find_byte(authority, '@');
    struct slice host =
        user < authority.len ? slice_sub(authority, user + 1, authority.len) : authority;
    if (slice_find_byte(tail, '[') < tail.len || slice_find_byte(tail, ']') < tail.len)
        return false;
    if (user < authority.len && slice_find_byte(slice_sub(authority, 0, user), '[') < user)
        return false;
    size_t close = slice_find_byte(host, ']');
    if (host.len && host.ptr[0] == '[')
        return close < host.len && is_ipv6(slice_sub(host, 1, close - 1));
    struct slice port = slice_sub(host, slice_find_byte(host, ':') + 1, host.len);
    for (size_t i = 0; i < port.len; i++)
        if (!is_digit(port.ptr[i]))
            return false;
    return close == host.len;
}

static bool is_uri_reference(struct slice s)
{
    return is_uri_text(s) && has_sound_authority(s);
}

static bool is_uri(struct slice s)
{
    size_t colon = slice_find_byte(s, ':');
    if (!colon || colon == s.len || is_digit(s.ptr[0]))
        return false;
    for (size_t i = 0; i < colon; i++)
        if (!is_alnum(s.ptr[i]) && !(i && strchr("+-.", s.ptr[i])))
            return false;
    return is_uri_reference(s);
}

/* ---- others ---- */

static bool is_uuid(struct slice s)
{
    if (s.len != 36)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? s.ptr[i] != '-' : percent_digit(s.ptr[i]) < 0)
            return false;
    }
    return true;
}

static bool is_json_pointer(struct slice s)
{
    if (s.len && s.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '~' && (i + 1 == s.len || (s.ptr[i + 1] != '0' && s.ptr[i + 1] != '1')))
            return false;
    return true;
}

static bool is_relative_json_pointer(struct slice s)
{
    bool is_zero = s.len && s.ptr[0] == '0';
    if (take_digits(&s, 1) < 0)
        return false;
    while (!is_zero && take_digits(&s, 1) >= 0)
        ;
    return slice_eq_cstr(s, "#") || is_json_pointer(s);
}

static bool is_regex(struct slice s)
{
    struct regex *made;
    if (regex_create_ecma(s, &made, NULL))
        return false;
    regex_destroy(made);
    return true;
}

/* RFC 4648 §4, with its padding. */
static bool is_base64(struct slice s)
{
    size_t len = s.len;
    if (len % 4)
        return false;
    for (int i = 0; i < 2 && len && s.ptr[len - 1] == '='; i++)
        len--;
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(s.ptr[i]) && s.ptr[i] != '+' && s.ptr[i] != '/')
            return false;
    return true;
}

schema_text_format_fn schema_text_format_find(struct slice name)
{
    static const struct {
        const char *name;
        schema_text_format_fn is;
    } formats[] = {
        {"date", is_date},
        {"time", is_time},
        {"date-time", is_date_time},
        {"duration", is_duration},
        {"email", is_email},
        {"hostname", is_hostname},
        {"ipv4", is_ipv4},
        {"ipv6", is_ipv6},
        {"uri", is_uri},
        {"uri-reference", is_uri_reference},
        {"uuid", is_uuid},
        {"json-pointer", is_json_pointer},
        {"relative-json-pointer", is_relative_json_pointer},
        {"regex", is_regex},
        {"byte", is_base64},
    };
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (slice_eq_cstr(name, formats[i].name))
            return formats[i].is;
    return NULL;
}
