/* Keeps caBundle of our own webhook configurations what it must be for the API server to trust us:
 * the mesh's roots. Every replica watches; the one that leads writes. One loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

struct kube_client;
struct loop;
struct webhook_controller;

/* name: of the MutatingWebhookConfiguration and the ValidatingWebhookConfiguration; copied. */
struct webhook_controller *webhook_controller_open(struct loop *l, struct kube_client *client,
                                                   struct slice name);
/* The roots from now on. Nothing is written before the first call. */
void webhook_controller_set(struct webhook_controller *k, struct slice roots_pem);
/* This replica writes, or does not. At first it does not. */
void webhook_controller_set_active(struct webhook_controller *k, bool is_active);
/* Both are there and say what they must. */
bool webhook_controller_is_right(const struct webhook_controller *k);
/* Both are there, and the API server believes a certificate (PEM, leaf first) by what each of their
 * webhooks says. */
bool webhook_controller_vouches(const struct webhook_controller *k, struct slice chain_pem);
/* Before the client is destroyed. */
void webhook_controller_close(struct webhook_controller *k);
