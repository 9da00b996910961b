/* Where the API server is and how to prove who we are: from a pod's environment, or a kubeconfig
 * file. Read once; tokens in files are read again by the client, since they change. Blocking.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

#define KUBE_DETAIL_MAX 256

struct kube_config {
    char *host; /* name or address, without brackets */
    uint16_t port;
    char *path_prefix; /* of every request; "" mostly */
    char *server_name; /* what its certificate must be for; the host mostly */
    char *roots_pem;
    char *client_cert_pem, *client_key_pem; /* NULL: none */
    char *token;                            /* NULL: none */
    char *token_file;                       /* NULL: none */
    char *namespace_name;                   /* the pod's, or the context's; "default" */
    bool http1;                             /* speak HTTP/1.1 only: WebSockets need it */
};

/* From now on this context of a kubeconfig is used instead of its current one; NULL: that one. For
 * programs of people, before anything is loaded; it lives for ever. */
void kube_config_use_context(const char *name);
/* path: a kubeconfig; NULL: $KUBECONFIG (several, separated by ':', count together), then the pod's
 * own service account ($WEFT_SERVICE_ACCOUNT_DIR instead of where Kubernetes mounts it), then
 * ~/.kube/config.
 * What would make TLS unverified (http, insecure-skip-tls-verify) and exec plug-ins are refused.
 * detail says what was wrong in which file. */
MUST_USE enum err kube_config_load(const char *path, struct kube_config *out,
                                   char detail[KUBE_DETAIL_MAX]);
void kube_config_dispose(struct kube_config *c);
