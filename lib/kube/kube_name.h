/* Names of Services in the cluster's DNS, written so that they mean the same whatever the resolver
 * of a pod is told (search lists, ndots): with the cluster's domain and a dot at the end.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

#define KUBE_NAME_DOMAIN "cluster.local"
#define KUBE_NAME_AUTO "auto"

/* The cluster's domain according to the text of a pod's /etc/resolv.conf: of "svc.corp.example" in
 * its search list. Empty: it does not say. A view into the text. */
struct slice kube_name_find_domain(struct slice resolv_conf);
/* What an option says, or for "auto" what our own resolver is told, or cluster.local. The caller
 * frees it. */
char *kube_name_domain(const char *option);
/* "weft-certd.weft-system.svc:15012" and "weft-certd.weft-system.svc" get the domain and the dot;
 * what does not end in ".svc" stays as it is. The caller frees it. */
char *kube_name_complete(struct slice address, struct slice domain);
/* The same for an option's value in its place; NULL stays NULL. */
void kube_name_complete_option(char **address, const char *domain);
