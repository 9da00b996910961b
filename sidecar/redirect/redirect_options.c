/* Arguments into checked options, by one table. Nothing is guessed or repaired: what cannot be
 * meant is an error that names the flag. Pure; one thread. Must not know iptables.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/list.h"
#include "lib/base/option_table.h"
#include "lib/base/option_value.h"

static enum err parse_port(struct option_run *run, struct slice text, uint16_t *out)
{
    uint64_t n;
    if (slice_to_u64(text, &n) != ERR_OK || n < 1 || n > 65535)
        return option_fail(run, "'%.*s' is no port (1 to 65535)", SLICE_ARG(text));
    *out = (uint16_t)n;
    return ERR_OK;
}

static enum err option_port(struct option_run *run, void *field, struct slice text)
{
    return parse_port(run, text, field);
}

static enum err option_id(struct option_run *run, void *field, struct slice text)
{
    uint64_t n;
    /* The largest one means "none" to the kernel. */
    if (slice_to_u64(text, &n) != ERR_OK || n >= UINT32_MAX)
        return option_fail(run, "'%.*s' is no numeric id", SLICE_ARG(text));
    *(uint32_t *)field = (uint32_t)n;
    return ERR_OK;
}

static enum err option_gid(struct option_run *run, void *field, struct slice text)
{
    container_of(field, struct redirect_options, gid)->has_gid = true;
    return option_id(run, field, text);
}

static bool has_port(const struct redirect_ports *ports, uint16_t port)
{
    for (unsigned i = 0; i < ports->count; i++) {
        if (ports->port[i] == port)
            return true;
    }
    return false;
}

static enum err parse_port_list(struct option_run *run, struct slice text,
                                struct redirect_ports *ports)
{
    struct slice part;
    while (slice_split(&text, ',', &part)) {
        uint16_t port = 0;
        enum err err = parse_port(run, part, &port);
        if (err != ERR_OK)
            return err;
        if (has_port(ports, port))
            continue;
        if (ports->count == REDIRECT_LIST_MAX)
            return option_fail(run, "more than %d ports", REDIRECT_LIST_MAX);
        ports->port[ports->count++] = port;
    }
    return ERR_OK;
}

/* An empty value empties the list. */
static enum err option_exclude_ports(struct option_run *run, void *field, struct slice text)
{
    struct redirect_ports *ports = field;
    memset(ports, 0, sizeof(*ports));
    if (slice_eq(text, SLICE("*")))
        return option_fail(run,
                           "'*' would exclude everything: leave the include list empty instead");
    return slice_is_empty(text) ? ERR_OK : parse_port_list(run, text, ports);
}

static enum err option_include_ports(struct option_run *run, void *field, struct slice text)
{
    struct redirect_ports *ports = field;
    memset(ports, 0, sizeof(*ports));
    ports->all = slice_eq(text, SLICE("*"));
    return ports->all || slice_is_empty(text) ? ERR_OK : parse_port_list(run, text, ports);
}

static enum err parse_cidr_list(struct option_run *run, struct slice text,
                                struct redirect_cidrs *cidrs)
{
    struct slice part;
    while (slice_split(&text, ',', &part)) {
        if (cidrs->count == REDIRECT_LIST_MAX)
            return option_fail(run, "more than %d prefixes", REDIRECT_LIST_MAX);
        if (cidr_parse(part, &cidrs->cidr[cidrs->count]) != ERR_OK)
            return option_fail(run,
                            "'%.*s' is no address or prefix (as in 10.0.0.0/8, no host bits set)",
                            SLICE_ARG(part));
        cidrs->count++;
    }
    return ERR_OK;
}

static enum err option_exclude_cidrs(struct option_run *run, void *field, struct slice text)
{
    struct redirect_cidrs *cidrs = field;
    memset(cidrs, 0, sizeof(*cidrs));
    if (slice_eq(text, SLICE("*")))
        return option_fail(run,
                           "'*' would exclude everything: leave the include list empty instead");
    return slice_is_empty(text) ? ERR_OK : parse_cidr_list(run, text, cidrs);
}

static enum err option_include_cidrs(struct option_run *run, void *field, struct slice text)
{
    struct redirect_cidrs *cidrs = field;
    memset(cidrs, 0, sizeof(*cidrs));
    cidrs->all = slice_eq(text, SLICE("*"));
    return cidrs->all || slice_is_empty(text) ? ERR_OK : parse_cidr_list(run, text, cidrs);
}

/* What iptables takes unquoted; a '+' at the end stands for any ending. */
static bool is_interface_name(struct slice name)
{
    if (name.len == 0 || name.len >= REDIRECT_INTERFACE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool plain = isalnum(c) || (i > 0 && strchr("-_.:@", c));
        if (!plain && !(c == '+' && i > 0 && i == name.len - 1))
            return false;
    }
    return true;
}

static enum err option_interfaces(struct option_run *run, void *field, struct slice text)
{
    struct redirect_options *o = container_of(field, struct redirect_options, exclude_interface);
    struct slice part;
    o->interface_count = 0;
    if (slice_is_empty(text))
        return ERR_OK;
    while (slice_split(&text, ',', &part)) {
        if (!is_interface_name(part))
            return option_fail(run, "'%.*s' is no interface name", SLICE_ARG(part));
        if (o->interface_count == REDIRECT_INTERFACES_MAX)
            return option_fail(run, "more than %d interfaces", REDIRECT_INTERFACES_MAX);
        snprintf(o->exclude_interface[o->interface_count++], REDIRECT_INTERFACE_NAME_MAX, "%.*s",
                 SLICE_ARG(part));
    }
    return ERR_OK;
}

static enum err option_ipv6(struct option_run *run, void *field, struct slice text)
{
    bool on = false, is_auto = slice_eq_cstr(text, "auto");
    if (!is_auto && option_value_switch(text, &on))
        return option_fail(run, "is none of auto, on, off");
    *(enum redirect_ipv6 *)field = is_auto ? REDIRECT_IPV6_AUTO
                                   : on    ? REDIRECT_IPV6_ON
                                           : REDIRECT_IPV6_OFF;
    return ERR_OK;
}

/* The row's least number says which. */
static enum err option_action(struct option_run *run, void *field, struct slice text)
{
    struct redirect_options *o = container_of(field, struct redirect_options, action);
    enum redirect_action action = (enum redirect_action)run->row->min;
    if (!option_value_is_on(text))
        return option_fail(run, "takes no value");
    if (o->is_action_given && o->action != action)
        return option_fail(run, "only one of --apply, --remove and --print");
    o->action = action;
    o->is_action_given = true;
    return ERR_OK;
}

#define ROW(field, name, value, type, ...) \
    OPTION(struct redirect_options, field, name, value, type, __VA_ARGS__)

static const struct option_row rows[] = {
    ROW(action, "apply", NULL, action, .min = REDIRECT_APPLY,
        .help = "write the rules; so it is when nothing is said"),
    ROW(action, "remove", NULL, action, .min = REDIRECT_REMOVE,
        .help = "take them away without a trace"),
    ROW(action, "print", NULL, action, .min = REDIRECT_PRINT,
        .help = "show them in iptables-restore's format; needs no privileges"),
    ROW(inbound_port, "inbound-port", "PORT", port, .fallback = "15006",
        .help = "the sidecar's port for what the app receives"),
    ROW(outbound_port, "outbound-port", "PORT", port, .fallback = "15001",
        .help = "the sidecar's port for what the app sends"),
    ROW(uid, "proxy-uid", "ID", id, .fallback = "1337",
        .help = "the sidecar's user, whose connections go straight out"),
    ROW(gid, "proxy-gid", "ID", gid, .help = "its group as well"),
    ROW(include_inbound, "include-inbound-ports", "LIST", include_ports, .fallback = "*",
        .help = "'*' or ports; empty: none"),
    ROW(exclude_inbound, "exclude-inbound-ports", "LIST", exclude_ports, .fallback = "15020,15021",
        .help = "ports"),
    ROW(include_cidrs, "include-outbound-cidrs", "LIST", include_cidrs, .fallback = "*",
        .help = "'*' or prefixes; empty: none"),
    ROW(exclude_cidrs, "exclude-outbound-cidrs", "LIST", exclude_cidrs, .help = "prefixes"),
    ROW(include_outbound, "include-outbound-ports", "LIST", include_ports,
        .help = "'*' or ports, whatever the address"),
    ROW(exclude_outbound, "exclude-outbound-ports", "LIST", exclude_ports, .help = "ports"),
    ROW(exclude_interface, "exclude-interfaces", "LIST", interfaces,
        .help = "names, as in eth1,veth+"),
    ROW(ipv6, "ipv6", "auto|on|off", ipv6, .fallback = "auto",
        .help = "auto: where the kernel has IPv6"),
};

static const struct option_table table = {
    .program = "redirect",
    .usage =
        "Usage: weft-sidecar redirect [--apply | --remove | --print] [--OPTION VALUE]...\n\n"
        "Leads this network namespace's TCP connections through the sidecar. Applying again with\n"
        "other options replaces the rules at once; only chains called WEFT_* are ever touched.\n",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};

int redirect_options_parse(struct redirect_options *o, int argc, char **argv)
{
    *o = (struct redirect_options){0};
    int status = option_table_parse(&table, o, 0, argc, argv);
    if (status >= 0 || o->inbound_port != o->outbound_port)
        return status;
    return option_table_complain(&table,
                                 "--inbound-port must differ from --outbound-port");
}
