/* The trust bundle as a ConfigMap in every namespace, where pods can mount it: made for each new
 * namespace, brought up to date when the roots change, put right when somebody edits or deletes it.
 * Every replica watches; the one that leads writes. What was published before this program had a
 * word in it is a witness of the root that the cluster had. One loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

#define BUNDLE_CONTROLLER_CONFIG_MAP "weft-trust-bundle"
#define BUNDLE_CONTROLLER_ENTRY "ca.crt"

struct bundle_controller;
struct kube_client;
struct loop;

/* own_namespace: certd's. watched (may be NULL): once, when all that is published has been seen. */
struct bundle_controller *bundle_controller_open(struct loop *l, struct kube_client *client,
                                                 struct slice own_namespace,
                                                 void (*watched)(void *owner), void *owner);
/* The roots from now on; copied. Nothing is written before the first call. */
void bundle_controller_set(struct bundle_controller *k, struct slice roots_pem);
/* This replica writes, or does not. At first it does not. */
void bundle_controller_set_active(struct bundle_controller *k, bool is_active);
/* What is published: the roots, and whether our own namespace says so or only others do. False: it
 * is not known yet. Empty: nothing is. The text lives until the next turn. */
bool bundle_controller_published(const struct bundle_controller *k, struct slice *roots_pem,
                                 bool *is_own);
/* Namespaces whose ConfigMap is not as it should be. */
size_t bundle_controller_outdated(const struct bundle_controller *k);
/* Before the client is destroyed. */
void bundle_controller_close(struct bundle_controller *k);
