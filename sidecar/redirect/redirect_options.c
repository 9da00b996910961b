/* Arguments into checked options, by one table. Nothing is guessed or repaired: what cannot be
 * meant is an error that names the flag. Pure; one thread. Must not know iptables.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_options.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/option_value.h"

struct parse {
    struct redirect_options *options;
    const char *flag;
    char *problem;
    size_t problem_size;
    bool action_given;
};

static enum err complain(struct parse *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum err complain(struct parse *p, const char *format, ...)
{
    va_list args;
    int n = snprintf(p->problem, p->problem_size, "%s: ", p->flag);
    if (n < 0 || (size_t)n >= p->problem_size)
        return ERR_INVALID;
    va_start(args, format);
    vsnprintf(p->problem + n, p->problem_size - (size_t)n, format, args);
    va_end(args);
    return ERR_INVALID;
}

static enum err parse_port(struct parse *p, struct slice text, uint16_t *out)
{
    uint64_t n;
    if (slice_to_u64(text, &n) != ERR_OK || n < 1 || n > 65535)
        return complain(p, "'%.*s' is no port (1 to 65535)", SLICE_ARG(text));
    *out = (uint16_t)n;
    return ERR_OK;
}

static enum err parse_one_port(struct parse *p, struct slice text, size_t offset)
{
    return parse_port(p, text, (uint16_t *)((char *)p->options + offset));
}

static enum err parse_id(struct parse *p, struct slice text, size_t offset)
{
    uint64_t n;
    /* The largest one means "none" to the kernel. */
    if (slice_to_u64(text, &n) != ERR_OK || n >= UINT32_MAX)
        return complain(p, "'%.*s' is no numeric id", SLICE_ARG(text));
    *(uint32_t *)((char *)p->options + offset) = (uint32_t)n;
    if (offset == offsetof(struct redirect_options, gid))
        p->options->has_gid = true;
    return ERR_OK;
}

static bool has_port(const struct redirect_ports *ports, uint16_t port)
{
    for (unsigned i = 0; i < ports->count; i++) {
        if (ports->port[i] == port)
            return true;
    }
    return false;
}

static enum err parse_port_list(struct parse *p, struct slice text, struct redirect_ports *ports)
{
    struct slice part;
    while (slice_split(&text, ',', &part)) {
        uint16_t port = 0;
        enum err err = parse_port(p, part, &port);
        if (err != ERR_OK)
            return err;
        if (has_port(ports, port))
            continue;
        if (ports->count == REDIRECT_LIST_MAX)
            return complain(p, "more than %d ports", REDIRECT_LIST_MAX);
        ports->port[ports->count++] = port;
    }
    return ERR_OK;
}

/* An empty value empties the list. */
static enum err parse_exclude_ports(struct parse *p, struct slice text, size_t offset)
{
    struct redirect_ports *ports = (struct redirect_ports *)((char *)p->options + offset);
    memset(ports, 0, sizeof(*ports));
    if (slice_eq(text, SLICE("*")))
        return complain(p, "'*' would exclude everything: leave the include list empty instead");
    return slice_is_empty(text) ? ERR_OK : parse_port_list(p, text, ports);
}

static enum err parse_include_ports(struct parse *p, struct slice text, size_t offset)
{
    struct redirect_ports *ports = (struct redirect_ports *)((char *)p->options + offset);
    memset(ports, 0, sizeof(*ports));
    ports->all = slice_eq(text, SLICE("*"));
    return ports->all || slice_is_empty(text) ? ERR_OK : parse_port_list(p, text, ports);
}

static enum err parse_cidr_list(struct parse *p, struct slice text, struct redirect_cidrs *cidrs)
{
    struct slice part;
    while (slice_split(&text, ',', &part)) {
        if (cidrs->count == REDIRECT_LIST_MAX)
            return complain(p, "more than %d prefixes", REDIRECT_LIST_MAX);
        if (cidr_parse(part, &cidrs->cidr[cidrs->count]) != ERR_OK)
            return complain(p,
                            "'%.*s' is no address or prefix (as in 10.0.0.0/8, no host bits set)",
                            SLICE_ARG(part));
        cidrs->count++;
    }
    return ERR_OK;
}

static enum err parse_exclude_cidrs(struct parse *p, struct slice text, size_t offset)
{
    struct redirect_cidrs *cidrs = (struct redirect_cidrs *)((char *)p->options + offset);
    memset(cidrs, 0, sizeof(*cidrs));
    if (slice_eq(text, SLICE("*")))
        return complain(p, "'*' would exclude everything: leave the include list empty instead");
    return slice_is_empty(text) ? ERR_OK : parse_cidr_list(p, text, cidrs);
}

static enum err parse_include_cidrs(struct parse *p, struct slice text, size_t offset)
{
    struct redirect_cidrs *cidrs = (struct redirect_cidrs *)((char *)p->options + offset);
    memset(cidrs, 0, sizeof(*cidrs));
    cidrs->all = slice_eq(text, SLICE("*"));
    return cidrs->all || slice_is_empty(text) ? ERR_OK : parse_cidr_list(p, text, cidrs);
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

static enum err parse_interfaces(struct parse *p, struct slice text, size_t offset)
{
    struct redirect_options *o = p->options;
    struct slice part;
    (void)offset;
    o->interface_count = 0;
    if (slice_is_empty(text))
        return ERR_OK;
    while (slice_split(&text, ',', &part)) {
        if (!is_interface_name(part))
            return complain(p, "'%.*s' is no interface name", SLICE_ARG(part));
        if (o->interface_count == REDIRECT_INTERFACES_MAX)
            return complain(p, "more than %d interfaces", REDIRECT_INTERFACES_MAX);
        snprintf(o->exclude_interface[o->interface_count++], REDIRECT_INTERFACE_NAME_MAX, "%.*s",
                 SLICE_ARG(part));
    }
    return ERR_OK;
}

static enum err parse_ipv6(struct parse *p, struct slice text, size_t offset)
{
    bool on;
    (void)offset;
    if (slice_eq_cstr(text, "auto")) {
        p->options->ipv6 = REDIRECT_IPV6_AUTO;
        return ERR_OK;
    }
    if (option_value_switch(text, &on))
        return complain(p, "'%.*s' is none of auto, on, off", SLICE_ARG(text));
    p->options->ipv6 = on ? REDIRECT_IPV6_ON : REDIRECT_IPV6_OFF;
    return ERR_OK;
}

#define AT(field) offsetof(struct redirect_options, field)

static const struct flag {
    const char *name;
    enum err (*parse)(struct parse *p, struct slice text, size_t offset);
    size_t offset;
} flags[] = {
    {"--inbound-port", parse_one_port, AT(inbound_port)},
    {"--outbound-port", parse_one_port, AT(outbound_port)},
    {"--proxy-uid", parse_id, AT(uid)},
    {"--proxy-gid", parse_id, AT(gid)},
    {"--include-inbound-ports", parse_include_ports, AT(include_inbound)},
    {"--exclude-inbound-ports", parse_exclude_ports, AT(exclude_inbound)},
    {"--include-outbound-ports", parse_include_ports, AT(include_outbound)},
    {"--exclude-outbound-ports", parse_exclude_ports, AT(exclude_outbound)},
    {"--include-outbound-cidrs", parse_include_cidrs, AT(include_cidrs)},
    {"--exclude-outbound-cidrs", parse_exclude_cidrs, AT(exclude_cidrs)},
    {"--exclude-interfaces", parse_interfaces, 0},
    {"--ipv6", parse_ipv6, 0},
};

static const struct {
    const char *name;
    enum redirect_action action;
} actions[] = {
    {"--apply", REDIRECT_APPLY},
    {"--remove", REDIRECT_REMOVE},
    {"--print", REDIRECT_PRINT},
    {"--help", REDIRECT_HELP},
};

static const char help[] =
    "weft-sidecar redirect [--apply | --remove | --print] [flags]\n"
    "Leads this network namespace's TCP connections through the sidecar. Applying again with "
    "other\n"
    "flags replaces the rules at once; only chains called WEFT_* are ever touched.\n"
    "  --apply                        write the rules (the default)\n"
    "  --remove                       take them away without a trace\n"
    "  --print                        show them in iptables-restore's format; needs no privileges\n"
    "  --inbound-port PORT            the sidecar's port for what the app receives (15006)\n"
    "  --outbound-port PORT           the sidecar's port for what the app sends (15001)\n"
    "  --proxy-uid ID                 the sidecar's user, whose connections go straight out "
    "(1337)\n"
    "  --proxy-gid ID                 its group as well (none)\n"
    "  --include-inbound-ports LIST   '*' or ports; empty: none ('*')\n"
    "  --exclude-inbound-ports LIST   (15020,15021)\n"
    "  --include-outbound-cidrs LIST  '*' or prefixes; empty: none ('*')\n"
    "  --exclude-outbound-cidrs LIST  ()\n"
    "  --include-outbound-ports LIST  '*' or ports, whatever the address ()\n"
    "  --exclude-outbound-ports LIST  ()\n"
    "  --exclude-interfaces LIST      names, as in eth1,veth+ ()\n"
    "  --ipv6 auto|on|off             auto: where the kernel has IPv6 (auto)\n";

const char *redirect_options_help(void)
{
    return help;
}

static void set_defaults(struct redirect_options *o)
{
    memset(o, 0, sizeof(*o));
    o->inbound_port = 15006;
    o->outbound_port = 15001;
    o->uid = 1337;
    o->include_inbound.all = true;
    o->exclude_inbound = (struct redirect_ports){.count = 2, .port = {15020, 15021}};
    o->include_cidrs.all = true;
}

static enum err take_action(struct parse *p, enum redirect_action action)
{
    if (p->action_given && p->options->action != action)
        return complain(p, "only one of --apply, --remove and --print");
    p->options->action = action;
    p->action_given = true;
    return ERR_OK;
}

/* value: behind "=", or NULL. Moves *at over a value that is an argument of its own. */
static enum err take_flag(struct parse *p, struct slice name, const char *value, int *at, int argc,
                          char **argv)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (!slice_eq_cstr(name, flags[i].name))
            continue;
        p->flag = flags[i].name;
        if (!value && *at + 1 >= argc)
            return complain(p, "needs a value");
        if (!value)
            value = argv[++*at];
        return flags[i].parse(p, slice_from_cstr(value), flags[i].offset);
    }
    return complain(p, "unknown; see weft-sidecar redirect --help");
}

static enum err take_argument(struct parse *p, int *at, int argc, char **argv)
{
    const char *equals = strchr(argv[*at], '=');
    struct slice name = slice_from_cstr(argv[*at]);
    p->flag = argv[*at];
    if (strcmp(argv[*at], "-h") == 0)
        return take_action(p, REDIRECT_HELP);
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (slice_eq_cstr(name, actions[i].name))
            return take_action(p, actions[i].action);
    }
    if (equals)
        name.len = (size_t)(equals - argv[*at]);
    return take_flag(p, name, equals ? equals + 1 : NULL, at, argc, argv);
}

enum err redirect_options_parse(struct redirect_options *o, int argc, char **argv, char *problem,
                                size_t problem_size)
{
    struct parse p = {.options = o, .problem = problem, .problem_size = problem_size};
    set_defaults(o);
    for (int at = 1; at < argc; at++) {
        enum err err = take_argument(&p, &at, argc, argv);
        if (err != ERR_OK)
            return err;
    }
    p.flag = "--inbound-port";
    if (o->inbound_port == o->outbound_port)
        return complain(&p, "must differ from --outbound-port");
    return ERR_OK;
}
