/* What the policyds say of the data planes that are connected to them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc.h"
#include "weftctl/api.h"

/* Asks every policyd through the API server and calls `each` for every data plane (an object with
 * namespace, pod, gateway, version, state, serial, resources, addresses, behindMs). Returns how
 * many policyds answered; what went wrong with others is said on stderr. */
size_t subscribers_each(struct api *a, struct arena *arena,
                        void (*each)(void *owner, struct slice policyd, const struct doc *one),
                        void *owner);
