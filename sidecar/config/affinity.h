/* Which endpoint a client keeps, where a Service has sessionAffinity. One table of a cluster for
 * all workers, across snapshots: words that are read and written whole, so there is no lock. It is
 * of a fixed size: what does not fit is chosen anew, and that choice is the same as long as the
 * endpoints are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct affinity;

/* many: clients are told apart; else there is one. One block: mem_free ends it. */
struct affinity *affinity_create(bool many);
/* The part of an address's hash (slice_hash) that is kept; never 0. */
uint32_t affinity_id(uint64_t address_hash);
/* The endpoint that this client called within timeout_s, which counts as a call now; 0: none. */
uint32_t affinity_find(struct affinity *a, uint64_t client, uint32_t timeout_s, uint64_t now_ms);
/* From now on it keeps this one. */
void affinity_keep(struct affinity *a, uint64_t client, uint32_t endpoint, uint64_t now_ms);
/* Of several endpoints the one with the highest is the client's, whoever asks (rendezvous hashing):
 * when one comes or goes, only its own clients move. */
uint64_t affinity_score(uint64_t client, uint64_t address_hash);
