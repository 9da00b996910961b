/* policyd's command line and environment, read once before anything else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/addr.h"

struct policyd_options {
    struct addr listen, health; /* health: family 0: none */
    char *policy_dir;           /* NULL: Kubernetes */
    char *kubeconfig;           /* NULL: the pod's own */
    char *cluster_domain; /* never KUBE_NAME_AUTO once it is parsed */
    char *trust_domain, *namespace_name, *service_account, *pod;
    /* our own certificate */
    char *certd_address, *certd_name, *trust_bundle_file, *token_file, *join_token_file;
    char *identity_dir, *cert_file, *key_file;
    /* what Gateways run */
    char *image, *discovery_address;
    bool keeps_gateways;
    size_t streams_per_peer; /* 0: no bound */
};

/* Prints help or the mistake itself. Returns -1 to go on, else the exit status. */
int policyd_options_parse(struct policyd_options *o, int argc, char **argv);
void policyd_options_dispose(struct policyd_options *o);
