/* An API server for tests, small and without opinions: objects by path, lists and watches,
 * creation, replacement, the patches that Weft sends (merge, JSON, apply), optimistic locking, and
 * answers of the test's own. On a simulated loop, over tests/unit/lib/kube/kube_wire.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc.h"
#include "lib/kube/kube_client.h"

struct fake_kube;
struct loop;

/* A group fixture of cmocka: the certificates. */
int fake_kube_set_up(void **state);
int fake_kube_tear_down(void **state);

struct fake_kube *fake_kube_open(struct loop *l);
/* Destroys the client too, and turns the loop. */
void fake_kube_close(struct fake_kube *k);
/* Of namespace "shop". */
struct kube_client *fake_kube_client(const struct fake_kube *k);
/* One more, which its owner destroys. Only one of a server's clients may be in use. */
struct kube_client *fake_kube_another_client(struct fake_kube *k);

/* Makes or replaces what lies at the path, "/api/v1/namespaces/a/pods/p", and tells who watches.
 * object: YAML without metadata.resourceVersion, uid and generation, which are the server's. */
void fake_kube_put(struct fake_kube *k, const char *path, const char *object);
void fake_kube_remove(struct fake_kube *k, const char *path);
/* What lies there; NULL: nothing. */
const struct doc *fake_kube_get(const struct fake_kube *k, const char *path);
/* The text at a path inside it, "data.a"; "" when there is none. */
const char *fake_kube_text(const struct fake_kube *k, const char *path, const char *inside);

/* Requests with that method whose path begins so are answered with that status from now on; 0: as
 * usual again. One such rule at a time. */
void fake_kube_refuse(struct fake_kube *k, const char *method, const char *path, unsigned status);
/* Requests for exactly that path are answered so: for what is no object, such as reviews. body:
 * kept until it is replaced. */
void fake_kube_answer(struct fake_kube *k, const char *path, unsigned status, const char *body);
/* A server that is slow: what would change something waits, and what changed is not shown to who
 * watches, until they are let go. */
void fake_kube_hold(struct fake_kube *k, bool writes, bool watches);
/* Requests of that method whose path begins so, since the start; "": all. */
unsigned fake_kube_count(const struct fake_kube *k, const char *method, const char *path);
/* The body of the last one of these; "" when there was none. */
const char *fake_kube_body(const struct fake_kube *k, const char *method, const char *path);
/* Every watch ends, as after a restart. */
void fake_kube_restart(struct fake_kube *k);
