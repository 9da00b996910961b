/* The table of certd's options, its help and its checks. Runs once, before the loop.
 * Must not know what the options are used for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/options.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/option_value.h"
#include "lib/tls/spiffe.h"

enum { SERVER = 1, TOKEN = 2, NAME_MAX_LEN = 253, MIN_TTL_MS = 5000 };

struct row {
    const char *name;
    const char *value; /* NULL: a switch, "--name" alone, or "--name=off" */
    const char *fallback;
    const char *help;
    unsigned commands;
    enum err (*parse)(struct options *o, struct slice text, size_t offset);
    size_t offset;
};

static void *at(struct options *o, size_t offset)
{
    return (char *)o + offset;
}

static enum err parse_text(struct options *o, struct slice text, size_t offset)
{
    return option_value_name(text, at(o, offset));
}

static enum err parse_optional(struct options *o, struct slice text, size_t offset)
{
    return option_value_optional(text, at(o, offset));
}

static enum err parse_listen(struct options *o, struct slice text, size_t offset)
{
    return option_value_open_listener(text, at(o, offset));
}

static enum err parse_listener(struct options *o, struct slice text, size_t offset)
{
    return option_value_listener(text, at(o, offset));
}

static enum err parse_duration(struct options *o, struct slice text, size_t offset)
{
    uint64_t ms;
    enum err e = slice_to_duration_ms(text, &ms);
    if (e)
        return e;
    if (ms < MIN_TTL_MS || ms > (uint64_t)100 * 365 * 86400 * 1000)
        return ERR_LIMIT;
    *(uint64_t *)((char *)o + offset) = ms;
    return ERR_OK;
}

static enum err parse_rate(struct options *o, struct slice text, size_t offset)
{
    uint64_t n;
    enum err e = slice_to_u64(text, &n);
    if (e)
        return e;
    if (n < 1 || n > 1000000)
        return ERR_LIMIT;
    *(unsigned *)((char *)o + offset) = (unsigned)n;
    return ERR_OK;
}

static enum err parse_trust_domain(struct options *o, struct slice text, size_t offset)
{
    struct spiffe_id id;
    char *whole = mem_printf("spiffe://%.*s", SLICE_ARG(text));
    bool ok = spiffe_parse(slice_from_cstr(whole), &id) == ERR_OK && slice_is_empty(id.path);
    mem_free(whole);
    return ok ? parse_text(o, text, offset) : ERR_SYNTAX;
}

static enum err parse_spiffe_id(struct options *o, struct slice text, size_t offset)
{
    struct spiffe_id id;
    if (spiffe_parse(text, &id) || slice_is_empty(id.path))
        return ERR_SYNTAX;
    return parse_text(o, text, offset);
}

static enum err parse_dns_name(struct options *o, struct slice text, size_t offset)
{
    (void)offset;
    if (slice_is_empty(text) || text.len > NAME_MAX_LEN)
        return ERR_SYNTAX;
    if (o->dns_name_count == OPTIONS_DNS_NAMES_MAX)
        return ERR_LIMIT;
    o->dns_names[o->dns_name_count++] = mem_strndup(text.ptr, text.len);
    return ERR_OK;
}

static enum err parse_flag(struct options *o, struct slice text, size_t offset)
{
    return option_value_switch(text, at(o, offset));
}

/* "<namespace>/<service account>=<name>" */
static enum err parse_dns_for(struct options *o, struct slice text, size_t offset)
{
    (void)offset;
    size_t equals = slice_find_byte(text, '=');
    struct slice who = slice_sub(text, 0, equals), name = slice_sub(text, equals + 1, text.len);
    size_t bar = slice_find_byte(who, '/');
    struct slice ns = slice_sub(who, 0, bar), sa = slice_sub(who, bar + 1, who.len);
    if (slice_is_empty(ns) || slice_is_empty(sa) || slice_is_empty(name) ||
        name.len > NAME_MAX_LEN || slice_find_byte(sa, '/') < sa.len)
        return ERR_SYNTAX;
    if (o->name_count == ISSUE_NAMES_MAX)
        return ERR_LIMIT;
    o->names[o->name_count++] = (struct issue_name){
        mem_strndup(ns.ptr, ns.len), mem_strndup(sa.ptr, sa.len), mem_strndup(name.ptr, name.len)};
    return ERR_OK;
}

static enum err parse_log_level(struct options *o, struct slice text, size_t offset)
{
    (void)o;
    (void)offset;
    return log_set_level(text);
}

#define AT(field) offsetof(struct options, field)

static const struct row rows[] = {
    {"kubernetes", NULL, "off",
     "the CA in Secret weft-ca of the own namespace, the trust bundle in every namespace, callers "
     "proven by service-account tokens; instead of --state",
     SERVER, parse_flag, AT(kubernetes)},
    {"kubeconfig", "FILE", NULL, "how to reach the API server from outside a pod", SERVER,
     parse_optional, AT(kubeconfig)},
    {"match-pod-address", NULL, "off",
     "a service-account token is good only from its own pod's address", SERVER, parse_flag,
     AT(match_pod_address)},
    {"dns-for", "NS/SA=NAME", NULL,
     "a DNS name in the certificates of that service account; may be repeated", SERVER,
     parse_dns_for, 0},
    {"state", "DIR", NULL, "where the CA's keys, certificates and tokens are kept (mode 0700)",
     SERVER | TOKEN, parse_optional, AT(state_dir)},
    {"trust-domain", "NAME", "cluster.local", "SPIFFE trust domain", SERVER, parse_trust_domain,
     AT(trust_domain)},
    {"listen", "ADDR", "0.0.0.0:15012", "gRPC over TLS 1.3", SERVER, parse_listen, AT(listen)},
    {"health", "ADDR|off", "off", "plain HTTP: GET /healthz", SERVER, parse_listener, AT(health)},
    {"bundle-out", "FILE", NULL,
     "where the trust bundle (the roots) is written, for others to read", SERVER, parse_optional,
     AT(bundle_out)},
    {"dns-name", "NAME", NULL,
     "a name in certd's own certificate, beside weft-certd.weft-system.svc; may be repeated",
     SERVER, parse_dns_name, 0},
    {"leaf-ttl", "DURATION", "24h", "life of a certificate when the request names none", SERVER,
     parse_duration, AT(leaf_ttl_ms)},
    {"max-leaf-ttl", "DURATION", "168h", "the longest life a request may ask for", SERVER,
     parse_duration, AT(max_leaf_ttl_ms)},
    {"intermediate-ttl", "DURATION", "2160h",
     "life of the signing certificate; replaced when a third of it is left", SERVER, parse_duration,
     AT(intermediate_ttl_ms)},
    {"root-ttl", "DURATION", "87600h", "life of a root made here", SERVER, parse_duration,
     AT(root_ttl_ms)},
    {"rate", "N", "60", "certificates a minute for one identity", SERVER, parse_rate,
     AT(rate_per_minute)},
    {"spiffe-id", "ID", NULL, "whom the token is for: spiffe://<trust domain>/ns/<ns>/sa/<sa>",
     TOKEN, parse_spiffe_id, AT(spiffe_id)},
    {"ttl", "DURATION", "10m", "how long the token may wait for its use", TOKEN, parse_duration,
     AT(token_ttl_ms)},
    {"log-level", "LEVEL", "info", "error, warn, info, debug or trace", SERVER, parse_log_level, 0},
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static void print_rows(unsigned command)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!(rows[i].commands & command))
            continue;
        printf("  --%s %s\n        %s", rows[i].name, rows[i].value ? rows[i].value : "",
               rows[i].help);
        printf(rows[i].fallback ? " [%s]\n" : "%s\n", rows[i].fallback ? rows[i].fallback : "");
    }
}

static void print_help(void)
{
    printf(
        "weft-certd: the certificate authority of the mesh.\n\n"
        "Usage: weft-certd --state DIR [--OPTION VALUE]...\n"
        "       weft-certd --kubernetes [--OPTION VALUE]...\n"
        "       weft-certd token create --state DIR --spiffe-id ID [--ttl DURATION]\n\n"
        "Makes a root and an intermediate in the state folder, or loads those that are there, and\n"
        "signs SPIFFE certificates for callers that show a one-time join token or their current\n"
        "certificate. SIGHUP reads the state folder again. With --kubernetes it keeps its state "
        "in\n"
        "the cluster that it runs in, and any number of it may run.\n\n");
    print_rows(SERVER);
    printf("\ntoken create prints a join token, which works once:\n");
    print_rows(TOKEN);
}

static int complain(const char *what, const char *name, const char *why)
{
    fprintf(stderr, "weft-certd: %s%s%s; see --help\n", what, name, why);
    return 2;
}

static const struct row *find_row(struct slice name, unsigned command)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].commands & command) && slice_eq_cstr(name, rows[i].name))
            return &rows[i];
    }
    return NULL;
}

/* One option at argv[*at], as "--name value" or "--name=value". */
static int take_option(struct options *o, unsigned command, int argc, char **argv, int *at)
{
    struct slice word = slice_from_cstr(argv[*at]);
    if (!slice_starts_with(word, SLICE("--")))
        return complain("unexpected argument ", argv[*at], "");
    struct slice name = slice_sub(word, 2, word.len), value;
    size_t equals = slice_find_byte(name, '=');
    bool joined = equals < name.len;
    const struct row *row = find_row(slice_sub(name, 0, equals), command);
    if (!row)
        return complain("unknown option ", argv[*at], "");
    bool is_switch = !row->value && !joined;
    if (!joined && !is_switch && *at + 1 == argc)
        return complain("option ", argv[*at], " wants a value");
    value = is_switch ? SLICE("on")
            : joined  ? slice_sub(name, equals + 1, name.len)
                      : slice_from_cstr(argv[++*at]);
    enum err e = row->parse(o, value, row->offset);
    if (!e)
        return -1;
    fprintf(stderr, "weft-certd: --%s '%.*s': %s (wants %s: %s); see --help\n", row->name,
            SLICE_ARG(value), err_text(e), row->value ? row->value : OPTION_VALUE_SWITCH,
            row->help);
    return 2;
}

static void set_defaults(struct options *o)
{
    memset(o, 0, sizeof(*o));
    for (size_t i = 0; i < ROW_COUNT; i++) {
        /* The table's own values are good. */
        if (rows[i].fallback)
            (void)!rows[i].parse(o, slice_from_cstr(rows[i].fallback), rows[i].offset);
    }
}

static int check(const struct options *o)
{
    if (o->kubernetes && (o->state_dir || o->bundle_out))
        return complain("--kubernetes does not go with --state and --bundle-out", "", "");
    if (!o->kubernetes && !o->state_dir)
        return complain("--state DIR is missing", "", "");
    if (o->is_token_create && !o->spiffe_id)
        return complain("--spiffe-id ID is missing", "", "");
    if (o->leaf_ttl_ms > o->max_leaf_ttl_ms)
        return complain("--leaf-ttl is above --max-leaf-ttl", "", "");
    return -1;
}

int options_parse(struct options *o, int argc, char **argv)
{
    int at = 1;
    set_defaults(o);
    if (argc > 1 && strcmp(argv[1], "token") == 0) {
        if (argc < 3 || strcmp(argv[2], "create") != 0)
            return complain("token wants the word create", "", "");
        o->is_token_create = true;
        at = 3;
    }
    unsigned command = o->is_token_create ? TOKEN : SERVER;
    for (; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            print_help();
            return 0;
        }
        if (strcmp(argv[at], "--version") == 0) {
            printf("weft-certd %s\n", WEFT_VERSION);
            return 0;
        }
        int status = take_option(o, command, argc, argv, &at);
        if (status >= 0)
            return status;
    }
    return check(o);
}

struct issue_policy options_policy(const struct options *o)
{
    return (struct issue_policy){o->trust_domain, o->leaf_ttl_ms, o->max_leaf_ttl_ms, o->names,
                                 o->name_count};
}

void options_dispose(struct options *o)
{
    mem_free(o->kubeconfig);
    for (unsigned i = 0; i < o->name_count; i++) {
        mem_free(o->names[i].namespace_name);
        mem_free(o->names[i].service_account);
        mem_free(o->names[i].dns_name);
    }
    mem_free(o->state_dir);
    mem_free(o->trust_domain);
    mem_free(o->bundle_out);
    mem_free(o->spiffe_id);
    for (unsigned i = 0; i < o->dns_name_count; i++)
        mem_free(o->dns_names[i]);
}
