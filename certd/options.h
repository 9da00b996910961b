/* certd's command line, read once before anything else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "certd/issue.h"
#include "lib/base/addr.h"
#include "lib/base/err.h"

#define OPTIONS_DNS_NAMES_MAX 16

struct options {
    bool is_token_create; /* "token create", else the server */
    bool kubernetes;      /* the CA lives in the cluster, not in a folder */
    bool match_pod_address;
    char *kubeconfig; /* or NULL: as in a pod */
    char *state_dir;
    char *trust_domain;
    struct addr listen;
    struct addr health;                         /* family 0: none */
    char *bundle_out;                           /* or NULL */
    char *dns_names[OPTIONS_DNS_NAMES_MAX + 1]; /* NULL-terminated; of certd's own certificate */
    unsigned dns_name_count;
    struct issue_name names[ISSUE_NAMES_MAX]; /* of other programs' certificates */
    unsigned name_count;
    uint64_t leaf_ttl_ms, max_leaf_ttl_ms;
    uint64_t root_ttl_ms, intermediate_ttl_ms;
    unsigned rate_per_minute; /* certificates for one identity */
    char *spiffe_id;          /* token create */
    uint64_t token_ttl_ms;
};

/* Prints help or the mistake itself. Returns -1 to go on, else the exit status. */
int options_parse(struct options *o, int argc, char **argv);
void options_dispose(struct options *o);
/* The rules of issuing that they say; a view. */
struct issue_policy options_policy(const struct options *o);
