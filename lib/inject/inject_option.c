/* The table of annotations and the forms that their values have. Values end up as arguments of
 * programs and in resource lists, each as one string of its own. Pure. Must not know what a sidecar
 * looks like.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/inject/inject_option.h"

#include <ctype.h>

#include "lib/base/addr.h"
#include "lib/base/option_value.h"

enum { LIST_MAX = 64, INTERFACE_MAX = 15 };

static bool is_one_of(struct slice value, const char *const *words)
{
    for (; *words; words++)
        if (slice_eq_cstr(value, *words))
            return true;
    return false;
}

static bool is_redirect(struct slice value)
{
    return is_one_of(value, (const char *const[]){"iptables", "none", NULL});
}

static bool is_bool(struct slice value)
{
    return option_value_is_on(value) || option_value_is_off(value);
}

static bool is_log_level(struct slice value)
{
    return is_one_of(value, (const char *const[]){"error", "warn", "info", "debug", "trace", NULL});
}

/* As --access-log of the sidecar. */
static bool is_access_log(struct slice value)
{
    static const char *const forms[] = {"text", "json", NULL};
    size_t comma = slice_find_byte(value, ',');
    struct slice which = slice_sub(value, 0, comma);
    bool is_which = option_value_is_on(which) || option_value_is_off(which) ||
                    slice_eq_cstr(which, "errors") || slice_eq_cstr(which, "all");
    if (comma == value.len)
        return is_which || is_one_of(value, forms);
    return is_which && is_one_of(slice_sub(value, comma + 1, value.len), forms);
}

static bool is_port(struct slice value)
{
    uint64_t n;
    return slice_to_u64(value, &n) == ERR_OK && n >= 1 && n <= 65535;
}

static bool is_count(struct slice value)
{
    uint64_t n;
    return slice_to_u64(value, &n) == ERR_OK && n >= 1 && n <= 64;
}

static bool is_duration(struct slice value)
{
    uint64_t ms;
    return slice_to_duration_ms(value, &ms) == ERR_OK && ms <= 3600000;
}

static bool is_list(struct slice value, bool (*is_item)(struct slice item))
{
    struct slice item;
    for (size_t n = 0; slice_split(&value, ',', &item); n++)
        if (n == LIST_MAX || !is_item(item))
            return false;
    return true;
}

static bool is_some_ports(struct slice value)
{
    return is_list(value, is_port);
}

static bool is_ports(struct slice value)
{
    return slice_eq(value, SLICE("*")) || is_some_ports(value);
}

static bool is_cidr(struct slice item)
{
    struct cidr ignored;
    return cidr_parse(item, &ignored) == ERR_OK;
}

static bool is_some_cidrs(struct slice value)
{
    return is_list(value, is_cidr);
}

static bool is_cidrs(struct slice value)
{
    return slice_eq(value, SLICE("*")) || is_some_cidrs(value);
}

static bool is_interface(struct slice item)
{
    if (slice_is_empty(item) || item.len > INTERFACE_MAX)
        return false;
    for (size_t i = 0; i < item.len; i++) {
        char c = item.ptr[i];
        bool last_plus = c == '+' && i > 0 && i + 1 == item.len;
        if (!isalnum((unsigned char)c) && !(i > 0 && strchr("-_.:@", c)) && !last_plus)
            return false;
    }
    return true;
}

static bool is_interfaces(struct slice value)
{
    return is_list(value, is_interface);
}

/* Digits with at most one point, and a suffix: what the API server takes, but for signs and
 * exponents, which nobody writes. */
static bool is_quantity(struct slice value)
{
    static const char *const suffixes[] = {"", "m", "k", "M", "G", "Ki", "Mi", "Gi", NULL};
    size_t at = 0, digits = 0, points = 0;
    for (; at < value.len && (isdigit((unsigned char)value.ptr[at]) || value.ptr[at] == '.');
         at++) {
        digits += value.ptr[at] != '.';
        points += value.ptr[at] == '.';
    }
    return digits > 0 && digits <= 12 && points <= 1 && value.ptr[at - 1] != '.' &&
           is_one_of(slice_sub(value, at, value.len), suffixes);
}

#define MUST_BE_redirect "iptables or none"
#define MUST_BE_bool "true or false"
#define MUST_BE_port "a port, like 8080"
#define MUST_BE_some_ports "a list of ports, like 3306,6379"
#define MUST_BE_ports "\"*\" or " MUST_BE_some_ports
#define MUST_BE_some_cidrs "a list of prefixes, like 10.0.0.0/8,fd00::/8"
#define MUST_BE_cidrs "\"*\" or " MUST_BE_some_cidrs
#define MUST_BE_interfaces "a list of network interfaces, like eth1,veth+"
#define MUST_BE_quantity "a quantity, like 100m or 64Mi"
#define MUST_BE_count "a number from 1 to 64"
#define MUST_BE_log_level "error, warn, info, debug or trace"
#define MUST_BE_access_log "off, errors or all, or a form (text or json), or both: errors,json"
#define MUST_BE_duration "a duration of at most an hour, like 30s"

const struct inject_option_row inject_option_rows[INJECT_OPTION_COUNT] = {
#define X(id, name, format, fallback, what) \
    {INJECT_PREFIX name, fallback, what, is_##format, MUST_BE_##format},
#include "lib/inject/inject_option.def"
#undef X
};

/* Of the same prefix, and read by others: whether to inject at all, and what policies read. */
static const char *const others[] = {"inject", "status", "inherited-settings", "opaque-ports",
                                     NULL};

static const char *const owners[INJECT_OWNER_COUNT] = {"annotation", "annotation of the namespace,",
                                                       "MeshConfig,"};

/* An empty value says "the default", where the default says nothing. */
static bool is_good(const struct inject_option_row *row, struct slice value)
{
    return slice_is_empty(value) ? !row->fallback[0] : row->is_valid(value);
}

static struct slice settled(const struct inject_option_row *row, struct slice value)
{
    if (row->is_valid != is_bool)
        return value;
    return option_value_is_on(value) ? SLICE("true") : SLICE("false");
}

enum err inject_option_read(const struct doc *const said[INJECT_OWNER_COUNT], bool native,
                            struct arena *arena, struct inject_options *out, struct slice *why)
{
    for (size_t i = 0; i < INJECT_OPTION_COUNT; i++) {
        const struct inject_option_row *row = &inject_option_rows[i];
        const struct doc *node = NULL;
        size_t by = INJECT_BY_POD;
        for (; by < INJECT_OWNER_COUNT; by++) {
            node = doc_get(said[by], slice_from_cstr(row->name));
            if (node && node->type != DOC_NULL)
                break;
        }
        struct slice value = slice_trim(doc_string(node));
        out->owner[i] = (enum inject_option_owner)by;
        out->value[i] = slice_from_cstr(row->fallback);
        if (i == INJECT_NATIVE)
            out->value[i] = native ? SLICE("true") : SLICE("false");
        if (by == INJECT_BY_NOBODY)
            continue;
        if (node->type == DOC_STRING && is_good(row, value)) {
            out->value[i] = settled(row, value);
            continue;
        }
        *why = arena_printf(arena, "%s %s: \"%.*s\" is not %s", owners[by], row->name,
                            (int)(value.len < 100 ? value.len : 100), value.ptr ? value.ptr : "",
                            row->must_be);
        return ERR_INVALID;
    }
    return ERR_OK;
}

enum err inject_option_check(struct slice name, struct slice value, const char **must_be)
{
    for (size_t i = 0; i < INJECT_OPTION_COUNT; i++) {
        const struct inject_option_row *row = &inject_option_rows[i];
        if (!slice_eq_cstr(name, row->name))
            continue;
        *must_be = row->must_be;
        return is_good(row, slice_trim(value)) ? ERR_OK : (enum err)ERR_INVALID;
    }
    return ERR_NOT_FOUND;
}

static bool is_known(struct slice name)
{
    for (size_t i = 0; i < INJECT_OPTION_COUNT; i++)
        if (slice_eq_cstr(name, inject_option_rows[i].name))
            return true;
    return is_one_of(slice_sub(name, sizeof(INJECT_PREFIX) - 1, name.len), others);
}

struct slice inject_option_unknown(const struct doc *annotations, size_t at)
{
    size_t count = annotations && annotations->type == DOC_OBJECT ? annotations->count : 0;
    for (size_t i = 0; i < count; i++) {
        struct slice name = annotations->members[i].key;
        if (slice_starts_with(name, SLICE(INJECT_PREFIX)) && !is_known(name) && at-- == 0)
            return name;
    }
    return (struct slice){NULL, 0};
}

struct slice inject_option_fault(const struct doc *annotations, size_t at, struct arena *arena)
{
    size_t count = annotations && annotations->type == DOC_OBJECT ? annotations->count : 0;
    for (size_t i = 0; i < count; i++) {
        const char *must_be = "";
        struct slice name = annotations->members[i].key;
        struct slice value = doc_string(annotations->members[i].value);
        if (!slice_starts_with(name, SLICE(INJECT_PREFIX)))
            continue;
        enum err e = inject_option_check(name, value, &must_be);
        if (e == ERR_INVALID && at-- == 0)
            return arena_printf(arena, "annotation %.*s: \"%.*s\" is not %s", SLICE_ARG(name),
                                (int)(value.len < 100 ? value.len : 100),
                                value.ptr ? value.ptr : "", must_be);
        if (e == ERR_NOT_FOUND && !is_known(name) && at-- == 0)
            return arena_printf(arena, "annotation %.*s is not known", SLICE_ARG(name));
    }
    return (struct slice){NULL, 0};
}
