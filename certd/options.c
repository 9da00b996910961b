/* The table of certd's options, its help and its checks. Runs once, before the loop.
 * Must not know what the options are used for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/options.h"

#include <string.h>

#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "lib/base/option_table.h"
#include "lib/tls/spiffe.h"

enum { SERVER = 1, TOKEN = 2, NAME_MAX_LEN = 253, MIN_TTL_MS = 5000 };
#define MAX_TTL_MS (UINT64_C(100) * 365 * 86400 * 1000)

static enum err option_trust_domain(struct option_run *run, void *field, struct slice text)
{
    return spiffe_is_trust_domain(text) ? option_name(run, field, text) : ERR_SYNTAX;
}

static enum err option_spiffe_id(struct option_run *run, void *field, struct slice text)
{
    struct spiffe_id id;
    if (spiffe_parse(text, &id) || slice_is_empty(id.path))
        return ERR_SYNTAX;
    return option_name(run, field, text);
}

static enum err option_dns_name(struct option_run *run, void *field, struct slice text)
{
    struct options *o = container_of(field, struct options, dns_names);
    (void)run;
    if (slice_is_empty(text) || text.len > NAME_MAX_LEN)
        return ERR_SYNTAX;
    if (o->dns_name_count == OPTIONS_DNS_NAMES_MAX)
        return ERR_LIMIT;
    o->dns_names[o->dns_name_count++] = mem_strndup(text.ptr, text.len);
    return ERR_OK;
}

/* "<namespace>/<service account>=<name>" */
static enum err option_dns_for(struct option_run *run, void *field, struct slice text)
{
    struct options *o = container_of(field, struct options, names);
    (void)run;
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

static const struct option_row rows[] = {
    OPTION(struct options, kubernetes, "kubernetes", NULL, switch,
          .fallback = "off", .command = SERVER,
          .help = "the CA in Secret weft-ca of the own namespace, the trust bundle in every "
                  "namespace, callers proven by service-account tokens; instead of --state"),
    OPTION(struct options, kubeconfig, "kubeconfig", "FILE", optional,
          .command = SERVER, .help = "how to reach the API server from outside a pod"),
    OPTION(struct options, match_pod_address, "match-pod-address", NULL, switch,
          .fallback = "off", .command = SERVER,
          .help = "a service-account token is good only from its own pod's address"),
    OPTION(struct options, names, "dns-for", "NS/SA=NAME", dns_for,
          .command = SERVER,
          .help = "a DNS name in the certificates of that service account; may be repeated"),
    OPTION(struct options, state_dir, "state", "DIR", optional,
          .command = SERVER | TOKEN,
          .help = "where the CA's keys, certificates and tokens are kept (mode 0700)"),
    OPTION(struct options, trust_domain, "trust-domain", "NAME", trust_domain,
          .fallback = "cluster.local", .command = SERVER, .is_text = true,
          .help = "SPIFFE trust domain"),
    OPTION(struct options, listen, "listen", "ADDR", open_listener,
          .fallback = "0.0.0.0:15012", .command = SERVER, .help = "gRPC over TLS 1.3"),
    OPTION(struct options, health, "health", "ADDR|off", listener,
          .fallback = "off", .command = SERVER, .help = "plain HTTP: GET /healthz"),
    OPTION(struct options, bundle_out, "bundle-out", "FILE", optional,
          .command = SERVER,
          .help = "where the trust bundle (the roots) is written, for others to read"),
    OPTION(struct options, dns_names, "dns-name", "NAME", dns_name,
          .command = SERVER,
          .help = "a name in certd's own certificate, beside weft-certd.weft-system.svc; may be "
                  "repeated"),
    OPTION(struct options, leaf_ttl_ms, "leaf-ttl", "DURATION", duration,
          .fallback = "24h", .command = SERVER, .min = MIN_TTL_MS, .max = MAX_TTL_MS,
          .help = "life of a certificate when the request names none"),
    OPTION(struct options, max_leaf_ttl_ms, "max-leaf-ttl", "DURATION", duration,
          .fallback = "168h", .command = SERVER, .min = MIN_TTL_MS, .max = MAX_TTL_MS,
          .help = "the longest life a request may ask for"),
    OPTION(struct options, intermediate_ttl_ms, "intermediate-ttl", "DURATION", duration,
          .fallback = "2160h", .command = SERVER, .min = MIN_TTL_MS, .max = MAX_TTL_MS,
          .help = "life of the signing certificate; replaced when a third of it is left"),
    OPTION(struct options, root_ttl_ms, "root-ttl", "DURATION", duration,
          .fallback = "87600h", .command = SERVER, .min = MIN_TTL_MS, .max = MAX_TTL_MS,
          .help = "life of a root made here"),
    OPTION(struct options, rate_per_minute, "rate", "N", number,
          .fallback = "60", .command = SERVER, .min = 1, .max = 1000000,
          .help = "certificates a minute for one identity"),
    OPTION(struct options, spiffe_id, "spiffe-id", "ID", spiffe_id,
          .command = TOKEN, .is_text = true,
          .help = "whom the token is for: spiffe://<trust domain>/ns/<ns>/sa/<sa>"),
    OPTION(struct options, token_ttl_ms, "ttl", "DURATION", duration,
          .fallback = "10m", .command = TOKEN, .min = MIN_TTL_MS, .max = MAX_TTL_MS,
          .help = "how long the token may wait for its use"),
    OPTION_LOG_LEVEL,
};

static const struct option_table table = {
    .program = "weft-certd",
    .usage =
        "weft-certd: the certificate authority of the mesh.\n\n"
        "Usage: weft-certd --state DIR [--OPTION VALUE]...\n"
        "       weft-certd --kubernetes [--OPTION VALUE]...\n"
        "       weft-certd token create --state DIR --spiffe-id ID [--ttl DURATION]\n\n"
        "Makes a root and an intermediate in the state folder, or loads those that are there, and\n"
        "signs SPIFFE certificates for callers that show a one-time join token or their current\n"
        "certificate. SIGHUP reads the state folder again. With --kubernetes it keeps its state "
        "in\n"
        "the cluster that it runs in, and any number of it may run.\n",
    .further = "token create prints a join token, which works once:\n",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};

static int check(const struct options *o)
{
    if (o->kubernetes && (o->state_dir || o->bundle_out))
        return option_table_complain(&table,
                                     "--kubernetes does not go with --state and --bundle-out");
    if (!o->kubernetes && !o->state_dir)
        return option_table_complain(&table, "--state DIR is missing");
    if (o->is_token_create && !o->spiffe_id)
        return option_table_complain(&table, "--spiffe-id ID is missing");
    if (o->leaf_ttl_ms > o->max_leaf_ttl_ms)
        return option_table_complain(&table, "--leaf-ttl is above --max-leaf-ttl");
    return -1;
}

int options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){0};
    if (argc > 1 && strcmp(argv[1], "token") == 0) {
        if (argc < 3 || strcmp(argv[2], "create") != 0)
            return option_table_complain(&table, "token wants the word create");
        o->is_token_create = true;
        argc -= 2;
        argv += 2;
    }
    int status =
        option_table_parse(&table, o, o->is_token_create ? TOKEN : SERVER, argc, argv);
    return status < 0 ? check(o) : status;
}

struct issue_policy options_policy(const struct options *o)
{
    return (struct issue_policy){o->trust_domain, o->leaf_ttl_ms, o->max_leaf_ttl_ms, o->names,
                                 o->name_count};
}

void options_dispose(struct options *o)
{
    option_table_dispose(&table, o);
    for (unsigned i = 0; i < o->name_count; i++) {
        mem_free(o->names[i].namespace_name);
        mem_free(o->names[i].service_account);
        mem_free(o->names[i].dns_name);
    }
    for (unsigned i = 0; i < o->dns_name_count; i++)
        mem_free(o->dns_names[i]);
}
