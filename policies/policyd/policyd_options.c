/* The table of policyd's options, its help and its checks. Runs once, before the loop. Must not
 * know what the options are used for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/policyd_options.h"

#include "lib/base/mem.h"
#include "lib/base/option_table.h"
#include "lib/kube/kube_name.h"
#include "lib/tls/spiffe.h"

enum { STREAMS_MAX = 1000000 };

static enum err option_trust_domain(struct option_run *run, void *field, struct slice text)
{
    return spiffe_is_trust_domain(text) ? option_name(run, field, text) : ERR_SYNTAX;
}

static const struct option_row rows[] = {
    OPTION(struct policyd_options, policy_dir, "policies", "DIR", optional,
          .help = "serve what is in this folder, and not what is in Kubernetes"),
    OPTION(struct policyd_options, kubeconfig, "kubeconfig", "FILE", optional,
          .help = "how to reach the API server, outside a pod"),
    OPTION(struct policyd_options, listen, "listen", "ADDR", open_listener,
          .fallback = "0.0.0.0:15012", .help = "data planes: gRPC over mutual TLS 1.3"),
    OPTION(struct policyd_options, streams_per_peer, "streams-per-peer", "N", number,
          .fallback = "256", .max = STREAMS_MAX,
          .help = "open streams of one identity at one address, which many pods may share "
                  "behind NAT; 0: any"),
    OPTION(struct policyd_options, health, "health", "ADDR|off", listener,
          .fallback = "off", .help = "plain HTTP: /healthz, /readyz, /metrics, /debug/subscribers"),
    OPTION(struct policyd_options, trust_domain, "trust-domain", "NAME", trust_domain,
          .fallback = "cluster.local", .is_text = true, .help = "SPIFFE trust domain"),
    OPTION(struct policyd_options, cluster_domain, "cluster-domain", "NAME", name,
          .fallback = KUBE_NAME_AUTO,
          .help = "the cluster's domain, where MeshConfig says none; auto: what our own "
                  "resolver says"),
    OPTION(struct policyd_options, namespace_name, "namespace", "NAME", name,
          .fallback = "weft-system", .environment = "POD_NAMESPACE",
          .help = "namespace of this pod"),
    OPTION(struct policyd_options, service_account, "service-account", "NAME", name,
          .fallback = "weft-policyd", .environment = "SERVICE_ACCOUNT",
          .help = "service account of this pod"),
    OPTION(struct policyd_options, pod, "pod", "NAME", name,
          .fallback = "weft-policyd", .environment = "POD_NAME",
          .help = "name of this pod: who holds the lease"),
    OPTION(struct policyd_options, certd_address, "certd", "HOST:PORT", optional,
          .help = "the CA that issues our certificate"),
    OPTION(struct policyd_options, certd_name, "certd-name", "NAME", name,
          .fallback = "weft-certd.weft-system.svc", .help = "the CA's name in its certificate"),
    OPTION(struct policyd_options, trust_bundle_file, "trust-bundle", "FILE", optional,
          .help = "the roots of the mesh"),
    OPTION(struct policyd_options, token_file, "token-file", "FILE", optional,
          .help = "service-account token that proves to the CA who we are"),
    OPTION(struct policyd_options, join_token_file, "join-token-file", "FILE", optional,
          .help = "one-time token that does the same"),
    OPTION(struct policyd_options, identity_dir, "identity-dir", "DIR", optional,
          .help = "where the certificate is kept over restarts"),
    OPTION(struct policyd_options, cert_file, "cert-file", "FILE", optional,
          .help = "certificate chain, instead of --certd"),
    OPTION(struct policyd_options, key_file, "key-file", "FILE", optional,
          .help = "its private key"),
    OPTION(struct policyd_options, keeps_gateways, "gateways", "on|off", switch,
          .fallback = "on", .help = "keep a Deployment and a Service for every Gateway"),
    OPTION(struct policyd_options, image, "image", "NAME", name,
          .fallback = "weft.local/weft:" WEFT_VERSION, .help = "the image that Gateways run"),
    OPTION(struct policyd_options, discovery_address, "discovery", "HOST:PORT", name,
          .fallback = "weft-policyd.weft-system.svc:15012", .help = "where Gateways find policyd"),
    OPTION_LOG_LEVEL,
};

static const struct option_table table = {
    .program = "weft-policyd",
    .usage =
        "weft-policyd: tells sidecars and gateways what is configured.\n\n"
        "Usage: weft-policyd [--OPTION VALUE]...\n\n"
        "Watches Kubernetes (or a folder), compiles what each data plane needs, streams it to\n"
        "those that prove with their certificate who they are, and writes back how objects fare.\n",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};

static void complete_names(struct policyd_options *o)
{
    char *domain = kube_name_domain(o->cluster_domain);
    mem_free(o->cluster_domain);
    o->cluster_domain = domain;
    kube_name_complete_option(&o->certd_address, domain);
    kube_name_complete_option(&o->discovery_address, domain);
}

static int check(const struct policyd_options *o)
{
    if (!o->certd_address && !o->cert_file)
        return option_table_complain(&table,
                                     "needs --certd, or --cert-file and --key-file: without a "
                                     "certificate nobody could be served");
    if (o->certd_address && (o->cert_file || o->key_file))
        return option_table_complain(&table,
                                     "--certd and --cert-file or --key-file exclude each other");
    if (!o->trust_bundle_file || (o->cert_file && !o->key_file))
        return option_table_complain(&table, "%s", o->trust_bundle_file
                                                       ? "--cert-file needs --key-file"
                                                       : "needs --trust-bundle");
    if (o->policy_dir && o->kubeconfig)
        return option_table_complain(&table, "--policies and --kubeconfig exclude each other");
    return -1;
}

int policyd_options_parse(struct policyd_options *o, int argc, char **argv)
{
    *o = (struct policyd_options){0};
    int status = option_table_parse(&table, o, 0, argc, argv);
    if (status >= 0)
        return status;
    complete_names(o);
    return check(o);
}

void policyd_options_dispose(struct policyd_options *o)
{
    option_table_dispose(&table, o);
}
