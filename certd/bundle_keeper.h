/* The trust bundle as a ConfigMap in every namespace, where pods can mount it: made for each new
 * namespace, brought up to date when the roots change, put right when somebody edits or deletes it.
 * Every replica does so; they write the same. One loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

#define BUNDLE_KEEPER_CONFIG_MAP "weft-trust-bundle"
#define BUNDLE_KEEPER_ENTRY "ca.crt"

struct bundle_keeper;
struct kube_client;
struct loop;

struct bundle_keeper *bundle_keeper_open(struct loop *l, struct kube_client *client);
/* The roots from now on; copied. Nothing is written before the first call. */
void bundle_keeper_set(struct bundle_keeper *k, struct slice roots_pem);
/* Before the client is destroyed. */
void bundle_keeper_close(struct bundle_keeper *k);
