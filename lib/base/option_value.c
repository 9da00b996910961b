/* Words, addresses and texts on command lines and in the environment. Runs before any thread. Must
 * not know which options there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/option_value.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/mem.h"

static bool is_one_of(struct slice text, const char *const words[3])
{
    return slice_eq_cstr(text, words[0]) || slice_eq_cstr(text, words[1]) ||
           slice_eq_cstr(text, words[2]);
}

bool option_value_is_on(struct slice text)
{
    static const char *const words[] = {"on", "true", "yes"};
    return is_one_of(text, words);
}

bool option_value_is_off(struct slice text)
{
    static const char *const words[] = {"off", "false", "no"};
    return is_one_of(text, words);
}

enum err option_value_switch(struct slice text, bool *out)
{
    if (!option_value_is_on(text) && !option_value_is_off(text))
        return ERR_SYNTAX;
    *out = option_value_is_on(text);
    return ERR_OK;
}

/* Both families in one socket where the kernel has IPv6. */
static struct addr any_address(void)
{
    bool has_v6 = access("/proc/net/if_inet6", F_OK) == 0;
    return (struct addr){.family = has_v6 ? 6 : 4};
}

/* addr_parse says 0 for no port, too. */
static bool says_port_0(struct slice text)
{
    if (slice_starts_with(text, SLICE("[")))
        return slice_ends_with(text, SLICE("]:0"));
    return slice_find_byte(text, ':') + 2 == text.len && slice_ends_with(text, SLICE(":0"));
}

enum err option_value_open_listener(struct slice text, struct addr *out)
{
    struct addr a;
    uint64_t port;
    if (slice_starts_with(text, SLICE("*:"))) {
        a = any_address();
        if (slice_to_u64(slice_sub(text, 2, text.len), &port) || port > UINT16_MAX)
            return ERR_SYNTAX;
        a.port = (uint16_t)port;
    } else if (addr_parse(text, &a) || (!a.port && !says_port_0(text))) {
        return ERR_SYNTAX;
    }
    *out = a;
    return ERR_OK;
}

enum err option_value_listener(struct slice text, struct addr *out)
{
    if (!option_value_is_off(text))
        return option_value_open_listener(text, out);
    *out = (struct addr){0};
    return ERR_OK;
}

enum err option_value_endpoint(struct slice text, struct addr *out)
{
    struct addr a;
    if (addr_parse(text, &a) || !a.port)
        return ERR_SYNTAX;
    *out = a;
    return ERR_OK;
}

enum err option_value_ip(struct slice text, bool any, struct addr *out)
{
    struct addr a;
    if (any && slice_eq_cstr(text, "*"))
        a = any_address();
    else if (addr_parse(text, &a) || a.port || says_port_0(text))
        return ERR_SYNTAX;
    *out = a;
    return ERR_OK;
}

enum err option_value_name(struct slice text, char **out)
{
    if (slice_is_empty(text))
        return ERR_INVALID;
    mem_free(*out);
    *out = mem_strndup(text.ptr, text.len);
    return ERR_OK;
}

enum err option_value_optional(struct slice text, char **out)
{
    if (!option_value_is_off(text))
        return option_value_name(text, out);
    mem_free(*out);
    *out = NULL;
    return ERR_OK;
}

const char *option_value_environment(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value ? value : NULL;
}
