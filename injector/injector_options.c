/* The table of the injector's options, its help and its checks. Runs once, before the loop.
 * Must not know what the options are used for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/injector_options.h"

#include "lib/base/mem.h"
#include "lib/base/option_table.h"
#include "lib/kube/kube_name.h"

enum { DRAIN_MAX_MS = 60000 };

static const struct option_row rows[] = {
    OPTION(struct injector_options, listen, "listen", "ADDR", open_listener,
          .fallback = "0.0.0.0:15017", .help = "webhooks, HTTPS"),
    OPTION(struct injector_options, health, "health", "ADDR|off", listener,
          .fallback = "off", .help = "plain HTTP: GET /healthz, /readyz, /metrics"),
    OPTION(struct injector_options, certd, "certd", "ADDR", optional,
          .help = "the CA that our certificate comes from"),
    OPTION(struct injector_options, certd_name, "certd-name", "NAME", name,
          .fallback = "weft-certd.weft-system.svc", .help = "name in the CA's certificate"),
    OPTION(struct injector_options, token_file, "token-file", "FILE", optional,
          .help = "service-account token with the audience weft-certd"),
    OPTION(struct injector_options, trust_bundle, "trust-bundle", "FILE", optional,
          .help = "PEM roots that the CA must chain to"),
    OPTION(struct injector_options, cert_file, "cert-file", "FILE", optional,
          .help = "certificate chain from elsewhere, instead of --certd"),
    OPTION(struct injector_options, key_file, "key-file", "FILE", optional,
          .help = "its private key"),
    OPTION(struct injector_options, trust_domain, "trust-domain", "NAME", name,
          .fallback = "cluster.local", .help = "SPIFFE trust domain"),
    OPTION(struct injector_options, namespace_name, "namespace", "NAME", name,
          .fallback = "weft-system", .environment = "POD_NAMESPACE", .help = "our own namespace"),
    OPTION(struct injector_options, service_account, "service-account", "NAME", name,
          .fallback = "weft-injector", .environment = "SERVICE_ACCOUNT",
          .help = "our own service account"),
    OPTION(struct injector_options, cluster_domain, "cluster-domain", "NAME", name,
          .fallback = KUBE_NAME_AUTO,
          .help = "the cluster's domain, for names that end in .svc; auto: what our own "
                  "resolver says"),
    OPTION(struct injector_options, image, "image", "NAME", name,
          .fallback = "weft.local/weft:" WEFT_VERSION, .help = "image of the sidecars"),
    OPTION(struct injector_options, pull_policy, "image-pull-policy", "WORD", name,
          .fallback = "IfNotPresent", .help = "and when it is pulled"),
    OPTION(struct injector_options, discovery, "discovery", "ADDR", name,
          .fallback = "weft-policyd.weft-system.svc:15012",
          .help = "whom sidecars ask for policies"),
    OPTION(struct injector_options, sidecar_certd, "sidecar-certd", "ADDR", name,
          .fallback = "weft-certd.weft-system.svc:15012",
          .help = "whom sidecars ask for certificates"),
    OPTION(struct injector_options, classic, "classic", NULL, switch,
          .fallback = "off",
          .help = "sidecars are ordinary containers where a pod does not say otherwise, for "
                  "Kubernetes before 1.29"),
    OPTION(struct injector_options, webhooks, "webhooks", "NAME|off", optional,
          .fallback = "weft-injector",
          .help = "the Mutating- and ValidatingWebhookConfiguration whose caBundle is kept "
                  "current"),
    OPTION(struct injector_options, kubeconfig, "kubeconfig", "FILE", optional,
          .help = "how to reach the API server from outside a pod"),
    OPTION(struct injector_options, drain_ms, "drain-time", "DURATION", duration,
          .fallback = "5s", .max = DRAIN_MAX_MS,
          .help = "how long webhooks are still answered after SIGTERM"),
    OPTION_LOG_LEVEL,
};

static const struct option_table table = {
    .program = "weft-injector",
    .usage =
        "weft-injector: the webhooks that put sidecars into pods and refuse bad policies.\n\n"
        "Usage: weft-injector --certd ADDR --token-file FILE --trust-bundle FILE "
        "[--OPTION VALUE]...\n"
        "       weft-injector --cert-file FILE --key-file FILE --trust-bundle FILE "
        "[--OPTION VALUE]...\n",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};

static void complete_names(struct injector_options *o)
{
    char *domain = kube_name_domain(o->cluster_domain);
    kube_name_complete_option(&o->certd, domain);
    kube_name_complete_option(&o->discovery, domain);
    kube_name_complete_option(&o->sidecar_certd, domain);
    mem_free(domain);
}

static int check(const struct injector_options *o)
{
    bool by_file = o->cert_file && o->key_file, by_certd = o->certd && o->token_file;
    if (!by_file && !by_certd)
        return option_table_complain(&table,
                                     "--certd with --token-file, or --cert-file with "
                                     "--key-file, is missing");
    if (!o->trust_bundle)
        return option_table_complain(&table, "--trust-bundle FILE is missing");
    return -1;
}

int injector_options_parse(struct injector_options *o, int argc, char **argv)
{
    *o = (struct injector_options){0};
    int status = option_table_parse(&table, o, 0, argc, argv);
    if (status >= 0)
        return status;
    complete_names(o);
    return check(o);
}

void injector_options_dispose(struct injector_options *o)
{
    option_table_dispose(&table, o);
}
