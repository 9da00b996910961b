/* The injector's command line, read once before anything else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"

struct injector_options {
    struct addr listen, health; /* health: family 0: none */
    /* our own certificate */
    char *certd, *certd_name, *token_file, *trust_bundle, *cert_file, *key_file;
    char *cluster_domain, *trust_domain, *namespace_name, *service_account;
    /* what sidecars get */
    char *image, *pull_policy, *discovery, *sidecar_certd;
    bool classic;
    /* the API server */
    char *webhooks; /* name of our configurations; NULL: not kept */
    char *kubeconfig;
    uint64_t drain_ms;
};

/* Prints help or the mistake itself. Returns -1 to go on, else the exit status. */
int injector_options_parse(struct injector_options *o, int argc, char **argv);
void injector_options_dispose(struct injector_options *o);
