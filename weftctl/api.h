/* The API server, for a program that does one thing after the other: each call waits for its
 * answer. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/kube/kube_client.h"

struct api;
struct loop;

struct api_answer {
    bool ok; /* 2xx */
    unsigned status;
    struct slice body; /* lives until the next call */
    char detail[512];  /* why not, for people */
};

/* NULL, and a message on stderr. kubeconfig NULL: the usual place. */
struct api *api_open(const char *kubeconfig);
void api_close(struct api *a);
struct kube_client *api_client(struct api *a);
/* A second one that speaks HTTP/1.1 only, for port-forwards. NULL: the kubeconfig is gone. */
struct kube_client *api_http1_client(struct api *a);
struct loop *api_loop(struct api *a);
/* The namespace of the context. */
struct slice api_namespace(const struct api *a);
/* Returns out->ok. */
bool api_call(struct api *a, const struct kube_call *call, struct api_answer *out);
bool api_get(struct api *a, struct slice path, struct api_answer *out);
