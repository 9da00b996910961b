/* The table of policyd's options, its help and its checks. Runs once, before the loop. Must not
 * know what the options are used for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/policyd_options.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/option_value.h"
#include "lib/kube/kube_name.h"
#include "lib/tls/spiffe.h"

enum { STREAMS_MAX = 1000000 };

struct row {
    const char *name;
    const char *value;
    const char *fallback;
    const char *help;
    enum err (*parse)(struct policyd_options *o, struct slice text, size_t offset);
    size_t offset;
    const char *environment; /* instead of the fallback, when it is set */
};

static void *at(struct policyd_options *o, size_t offset)
{
    return (char *)o + offset;
}

static enum err parse_text(struct policyd_options *o, struct slice text, size_t offset)
{
    return option_value_name(text, at(o, offset));
}

static enum err parse_optional(struct policyd_options *o, struct slice text, size_t offset)
{
    return option_value_optional(text, at(o, offset));
}

static enum err parse_listen(struct policyd_options *o, struct slice text, size_t offset)
{
    return option_value_open_listener(text, at(o, offset));
}

static enum err parse_listener(struct policyd_options *o, struct slice text, size_t offset)
{
    return option_value_listener(text, at(o, offset));
}

static enum err parse_switch(struct policyd_options *o, struct slice text, size_t offset)
{
    return option_value_switch(text, at(o, offset));
}

/* A number of streams, 0 for as many as there are. */
static enum err parse_streams(struct policyd_options *o, struct slice text, size_t offset)
{
    uint64_t value;
    if (slice_to_u64(text, &value) || value > STREAMS_MAX)
        return ERR_SYNTAX;
    *(size_t *)at(o, offset) = (size_t)value;
    return ERR_OK;
}

static enum err parse_trust_domain(struct policyd_options *o, struct slice text, size_t offset)
{
    struct spiffe_id id;
    char *whole = mem_printf("spiffe://%.*s", SLICE_ARG(text));
    bool ok = spiffe_parse(slice_from_cstr(whole), &id) == ERR_OK && slice_is_empty(id.path);
    mem_free(whole);
    return ok ? parse_text(o, text, offset) : ERR_SYNTAX;
}

static enum err parse_log_level(struct policyd_options *o, struct slice text, size_t offset)
{
    (void)o;
    (void)offset;
    return log_set_level(text);
}

#define AT(field) offsetof(struct policyd_options, field)

static const struct row rows[] = {
    {"policies", "DIR", NULL, "serve what is in this folder, and not what is in Kubernetes",
     parse_optional, AT(policy_dir), NULL},
    {"kubeconfig", "FILE", NULL, "how to reach the API server, outside a pod", parse_optional,
     AT(kubeconfig), NULL},
    {"listen", "ADDR", "0.0.0.0:15012", "data planes: gRPC over mutual TLS 1.3", parse_listen,
     AT(listen), NULL},
    {"streams-per-peer", "N", "256",
     "open streams of one identity at one address, which many pods may share behind NAT; 0: any",
     parse_streams, AT(streams_per_peer), NULL},
    {"health", "ADDR|off", "off", "plain HTTP: /healthz, /readyz, /metrics, /debug/subscribers",
     parse_listener, AT(health), NULL},
    {"trust-domain", "NAME", "cluster.local", "SPIFFE trust domain", parse_trust_domain,
     AT(trust_domain), NULL},
    {"cluster-domain", "NAME", KUBE_NAME_AUTO,
     "the cluster's domain, where MeshConfig says none; auto: what our own resolver says",
     parse_text, AT(cluster_domain), NULL},
    {"namespace", "NAME", "weft-system", "namespace of this pod", parse_text, AT(namespace_name),
     "POD_NAMESPACE"},
    {"service-account", "NAME", "weft-policyd", "service account of this pod", parse_text,
     AT(service_account), "SERVICE_ACCOUNT"},
    {"pod", "NAME", "weft-policyd", "name of this pod: who holds the lease", parse_text, AT(pod),
     "POD_NAME"},
    {"certd", "HOST:PORT", NULL, "the CA that issues our certificate", parse_optional,
     AT(certd_address), NULL},
    {"certd-name", "NAME", "weft-certd.weft-system.svc", "the CA's name in its certificate",
     parse_text, AT(certd_name), NULL},
    {"trust-bundle", "FILE", NULL, "the roots of the mesh", parse_optional, AT(trust_bundle_file),
     NULL},
    {"token-file", "FILE", NULL, "service-account token that proves to the CA who we are",
     parse_optional, AT(token_file), NULL},
    {"join-token-file", "FILE", NULL, "one-time token that does the same", parse_optional,
     AT(join_token_file), NULL},
    {"identity-dir", "DIR", NULL, "where the certificate is kept over restarts", parse_optional,
     AT(identity_dir), NULL},
    {"cert-file", "FILE", NULL, "certificate chain, instead of --certd",
     parse_optional, AT(cert_file), NULL},
    {"key-file", "FILE", NULL, "its private key", parse_optional, AT(key_file), NULL},
    {"gateways", "on|off", "on", "keep a Deployment and a Service for every Gateway",
     parse_switch, AT(keeps_gateways), NULL},
    {"image", "NAME", "weft.local/weft:" WEFT_VERSION, "the image that Gateways run", parse_text,
     AT(image), NULL},
    {"discovery", "HOST:PORT", "weft-policyd.weft-system.svc:15012", "where Gateways find policyd",
     parse_text, AT(discovery_address), NULL},
    {"log-level", "LEVEL", "info", "error, warn, info, debug or trace", parse_log_level, 0, NULL},
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static void print_help(void)
{
    printf("weft-policyd: tells sidecars and gateways what is configured.\n\n"
           "Usage: weft-policyd [--OPTION VALUE]...\n\n"
           "Watches Kubernetes (or a folder), compiles what each data plane needs, streams it to\n"
           "those that prove with their certificate who they are, and writes back how objects "
           "fare.\n\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        printf("  --%s %s\n        %s", rows[i].name, rows[i].value, rows[i].help);
        if (rows[i].environment)
            printf(" [$%s]", rows[i].environment);
        if (rows[i].fallback)
            printf(" [%s]", rows[i].fallback);
        printf("\n");
    }
}

static int complain(const char *what, const char *name, const char *why)
{
    fprintf(stderr, "weft-policyd: %s%s%s; see --help\n", what, name, why);
    return 2;
}

static const struct row *find_row(struct slice name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (slice_eq_cstr(name, rows[i].name))
            return &rows[i];
    return NULL;
}

/* One option at argv[*at], as "--name value" or "--name=value". */
static int take_option(struct policyd_options *o, int argc, char **argv, int *at)
{
    struct slice word = slice_from_cstr(argv[*at]);
    if (!slice_starts_with(word, SLICE("--")))
        return complain("unexpected argument ", argv[*at], "");
    struct slice name = slice_sub(word, 2, word.len), value;
    size_t equals = slice_find_byte(name, '=');
    bool joined = equals < name.len;
    const struct row *row = find_row(slice_sub(name, 0, equals));
    if (!row)
        return complain("unknown option ", argv[*at], "");
    if (!joined && *at + 1 == argc)
        return complain("option ", argv[*at], " wants a value");
    value = joined ? slice_sub(name, equals + 1, name.len) : slice_from_cstr(argv[++*at]);
    enum err e = row->parse(o, value, row->offset);
    if (!e)
        return -1;
    fprintf(stderr, "weft-policyd: --%s '%.*s': %s (wants %s: %s); see --help\n", row->name,
            SLICE_ARG(value), err_text(e), row->value, row->help);
    return 2;
}

static void set_defaults(struct policyd_options *o)
{
    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const char *said =
            rows[i].environment ? option_value_environment(rows[i].environment) : NULL;
        const char *text = said ? said : rows[i].fallback;
        /* The table's own values are good. */
        if (text)
            (void)!rows[i].parse(o, slice_from_cstr(text), rows[i].offset);
    }
}

static void complete(char **address, const char *domain)
{
    if (!*address)
        return;
    char *whole = kube_name_complete(slice_from_cstr(*address), slice_from_cstr(domain));
    mem_free(*address);
    *address = whole;
}

static void complete_names(struct policyd_options *o)
{
    char *domain = kube_name_domain(o->cluster_domain);
    mem_free(o->cluster_domain);
    o->cluster_domain = domain;
    complete(&o->certd_address, domain);
    complete(&o->discovery_address, domain);
}

static int check(const struct policyd_options *o)
{
    if (!o->certd_address && !o->cert_file)
        return complain("needs --certd, or --cert-file and --key-file: without a certificate "
                        "nobody could be served",
                        "", "");
    if (o->certd_address && (o->cert_file || o->key_file))
        return complain("--certd and --cert-file or --key-file exclude each other", "", "");
    if (!o->trust_bundle_file || (o->cert_file && !o->key_file))
        return complain(
            o->trust_bundle_file ? "--cert-file needs --key-file" : "needs --trust-bundle", "", "");
    if (o->policy_dir && o->kubeconfig)
        return complain("--policies and --kubeconfig exclude each other", "", "");
    return -1;
}

int policyd_options_parse(struct policyd_options *o, int argc, char **argv)
{
    set_defaults(o);
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            print_help();
            return 0;
        }
        if (strcmp(argv[at], "--version") == 0) {
            printf("weft-policyd %s\n", WEFT_VERSION);
            return 0;
        }
        int status = take_option(o, argc, argv, &at);
        if (status >= 0)
            return status;
    }
    complete_names(o);
    return check(o);
}

void policyd_options_dispose(struct policyd_options *o)
{
    char **texts[] = {
        &o->policy_dir,        &o->kubeconfig, &o->trust_domain,    &o->namespace_name,
        &o->service_account,   &o->pod,        &o->certd_address,   &o->certd_name,
        &o->trust_bundle_file, &o->token_file, &o->join_token_file, &o->identity_dir,
        &o->cert_file,         &o->key_file,   &o->image,           &o->discovery_address,
        &o->cluster_domain};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        mem_free(*texts[i]);
}
