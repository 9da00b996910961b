/* The table of the injector's options, its help and its checks. Runs once, before the loop.
 * Must not know what the options are used for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/injector_options.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/option_value.h"
#include "lib/kube/kube_name.h"

enum { DRAIN_MAX_MS = 60000 };

struct row {
    const char *name;
    const char *value; /* NULL: a switch, "--name" alone, or "--name=off" */
    const char *fallback;
    const char *help;
    enum err (*parse)(void *field, struct slice text);
    size_t offset;
};

static enum err parse_text(void *field, struct slice text)
{
    return option_value_name(text, field);
}

static enum err parse_optional(void *field, struct slice text)
{
    return option_value_optional(text, field);
}

static enum err parse_listen(void *field, struct slice text)
{
    return option_value_open_listener(text, field);
}

static enum err parse_listener(void *field, struct slice text)
{
    return option_value_listener(text, field);
}

static enum err parse_flag(void *field, struct slice text)
{
    return option_value_switch(text, field);
}

static enum err parse_drain(void *field, struct slice text)
{
    uint64_t *to = field;
    enum err e = slice_to_duration_ms(text, to);
    return !e && *to > DRAIN_MAX_MS ? (enum err)ERR_LIMIT : e;
}

static enum err parse_log_level(void *field, struct slice text)
{
    (void)field;
    return log_set_level(text);
}

#define AT(field) offsetof(struct injector_options, field)

static const struct row rows[] = {
    {"listen", "ADDR", "0.0.0.0:15017", "webhooks, HTTPS", parse_listen, AT(listen)},
    {"health", "ADDR|off", "off", "plain HTTP: GET /healthz, /readyz, /metrics", parse_listener,
     AT(health)},
    {"certd", "ADDR", NULL, "the CA that our certificate comes from", parse_optional, AT(certd)},
    {"certd-name", "NAME", "weft-certd.weft-system.svc", "name in the CA's certificate", parse_text,
     AT(certd_name)},
    {"token-file", "FILE", NULL, "service-account token with the audience weft-certd",
     parse_optional, AT(token_file)},
    {"trust-bundle", "FILE", NULL, "PEM roots that the CA must chain to", parse_optional,
     AT(trust_bundle)},
    {"cert-file", "FILE", NULL, "certificate chain from elsewhere, instead of --certd",
     parse_optional, AT(cert_file)},
    {"key-file", "FILE", NULL, "its private key", parse_optional, AT(key_file)},
    {"trust-domain", "NAME", "cluster.local", "SPIFFE trust domain", parse_text, AT(trust_domain)},
    {"namespace", "NAME", "weft-system", "our own namespace [$POD_NAMESPACE]", parse_text,
     AT(namespace_name)},
    {"service-account", "NAME", "weft-injector", "our own service account [$SERVICE_ACCOUNT]",
     parse_text, AT(service_account)},
    {"cluster-domain", "NAME", KUBE_NAME_AUTO,
     "the cluster's domain, for names that end in .svc; auto: what our own resolver says",
     parse_text, AT(cluster_domain)},
    {"image", "NAME", "weft.local/weft:" WEFT_VERSION, "image of the sidecars", parse_text,
     AT(image)},
    {"image-pull-policy", "WORD", "IfNotPresent", "and when it is pulled", parse_text,
     AT(pull_policy)},
    {"discovery", "ADDR", "weft-policyd.weft-system.svc:15012", "whom sidecars ask for policies",
     parse_text, AT(discovery)},
    {"sidecar-certd", "ADDR", "weft-certd.weft-system.svc:15012",
     "whom sidecars ask for certificates", parse_text, AT(sidecar_certd)},
    {"classic", NULL, "off",
     "sidecars are ordinary containers where a pod does not say otherwise, for Kubernetes before "
     "1.29",
     parse_flag, AT(classic)},
    {"webhooks", "NAME|off", "weft-injector",
     "the Mutating- and ValidatingWebhookConfiguration whose caBundle is kept current",
     parse_optional, AT(webhooks)},
    {"kubeconfig", "FILE", NULL, "how to reach the API server from outside a pod", parse_optional,
     AT(kubeconfig)},
    {"drain-time", "DURATION", "5s", "how long webhooks are still answered after SIGTERM",
     parse_drain, AT(drain_ms)},
    {"log-level", "LEVEL", "info", "error, warn, info, debug or trace", parse_log_level, 0},
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static void print_help(void)
{
    printf("weft-injector: the webhooks that put sidecars into pods and refuse bad policies.\n\n"
           "Usage: weft-injector --certd ADDR --token-file FILE --trust-bundle FILE "
           "[--OPTION VALUE]...\n"
           "       weft-injector --cert-file FILE --key-file FILE --trust-bundle FILE "
           "[--OPTION VALUE]...\n\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        printf("  --%s %s\n        %s", rows[i].name, rows[i].value ? rows[i].value : "",
               rows[i].help);
        printf(rows[i].fallback ? " [%s]\n" : "%s\n", rows[i].fallback ? rows[i].fallback : "");
    }
}

static int complain(const char *what, const char *name, const char *why)
{
    fprintf(stderr, "weft-injector: %s%s%s; see --help\n", what, name, why);
    return 2;
}

static const struct row *find_row(struct slice name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (slice_eq_cstr(name, rows[i].name))
            return &rows[i];
    return NULL;
}

static enum err set(struct injector_options *o, const struct row *row, struct slice value)
{
    return row->parse((char *)o + row->offset, value);
}

/* One option at argv[*at], as "--name value" or "--name=value". */
static int take_option(struct injector_options *o, int argc, char **argv, int *at)
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
    bool is_switch = !row->value && !joined;
    if (!joined && !is_switch && *at + 1 == argc)
        return complain("option ", argv[*at], " wants a value");
    value = is_switch ? SLICE("on")
            : joined  ? slice_sub(name, equals + 1, name.len)
                      : slice_from_cstr(argv[++*at]);
    enum err e = set(o, row, value);
    if (!e)
        return -1;
    fprintf(stderr, "weft-injector: --%s '%.*s': %s (wants %s: %s); see --help\n", row->name,
            SLICE_ARG(value), err_text(e), row->value ? row->value : OPTION_VALUE_SWITCH,
            row->help);
    return 2;
}

static void set_defaults(struct injector_options *o)
{
    const char *ns = option_value_environment("POD_NAMESPACE");
    const char *account = option_value_environment("SERVICE_ACCOUNT");
    memset(o, 0, sizeof(*o));
    for (size_t i = 0; i < ROW_COUNT; i++) {
        /* The table's own values are good. */
        if (rows[i].fallback)
            (void)!set(o, &rows[i], slice_from_cstr(rows[i].fallback));
    }
    if (ns)
        (void)!parse_text(&o->namespace_name, slice_from_cstr(ns));
    if (account)
        (void)!parse_text(&o->service_account, slice_from_cstr(account));
}

static void complete(char **address, const char *domain)
{
    if (!*address)
        return;
    char *whole = kube_name_complete(slice_from_cstr(*address), slice_from_cstr(domain));
    mem_free(*address);
    *address = whole;
}

static void complete_names(struct injector_options *o)
{
    char *domain = kube_name_domain(o->cluster_domain);
    complete(&o->certd, domain);
    complete(&o->discovery, domain);
    complete(&o->sidecar_certd, domain);
    mem_free(domain);
}

static int check(const struct injector_options *o)
{
    bool by_file = o->cert_file && o->key_file, by_certd = o->certd && o->token_file;
    if (!by_file && !by_certd)
        return complain("--certd with --token-file, or --cert-file with --key-file, is missing", "",
                        "");
    if (!o->trust_bundle)
        return complain("--trust-bundle FILE is missing", "", "");
    return -1;
}

int injector_options_parse(struct injector_options *o, int argc, char **argv)
{
    set_defaults(o);
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            print_help();
            return 0;
        }
        if (strcmp(argv[at], "--version") == 0) {
            printf("weft-injector %s\n", WEFT_VERSION);
            return 0;
        }
        int status = take_option(o, argc, argv, &at);
        if (status >= 0)
            return status;
    }
    complete_names(o);
    return check(o);
}

void injector_options_dispose(struct injector_options *o)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].parse == parse_text || rows[i].parse == parse_optional)
            mem_free(*(char **)((char *)o + rows[i].offset));
}
