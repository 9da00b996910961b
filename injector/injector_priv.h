/* What the parts of the injector's composition share. One loop, one thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "injector/admission.h"
#include "injector/injector_names.h"
#include "injector/injector_options.h"
#include "injector/pod_context.h"
#include "injector/webhook_listener.h"
#include "injector/webhook_controller.h"
#include "lib/identity/identity.h"
#include "lib/io/timer.h"
#include "lib/net/grpc_listener.h"
#include "lib/net/idle_memory.h"

struct injector {
    const struct injector_options *options;
    struct inject_config config;
    struct loop *loop;
    struct signals *signals;
    struct kube_client *client; /* NULL: no webhook configurations to keep */
    struct webhook_controller *controller;
    struct kube_entry *trust; /* the trust bundle as the API server has it */
    struct kube_lease *lease; /* who holds it writes the webhook configurations */
    struct injector_names *names;
    struct pod_context *context; /* NULL: the API server is not asked */
    struct identity *identity;
    struct tls_ctx *ctx; /* NULL until there is a certificate */
    char *chain;         /* that certificate, PEM */
    struct webhook_listener *listener;
    struct grpc_service health;
    struct grpc_listener *health_listener;
    struct timer drained;
    struct idle_memory memory;
    bool is_draining, is_broken, is_leader;
    char *metrics;       /* the last text of /metrics */
    uint64_t counts[ADMISSION_HOOK_COUNT][ADMISSION_OUTCOME_COUNT];
};

/* injector_probe.c: what the health listener answers. */
unsigned injector_probe_answer(void *owner, struct slice method, struct slice path,
                               struct slice *body);
