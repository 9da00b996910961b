/* The inside of status: one kind of object a file, and the writing of conditions that they share.
 * Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/map.h"
#include "lib/codec/doc/doc_make.h"
#include "policies/gateway/gateway_model.h"
#include "policies/status/status.h"

#define STATUS_TIME_TEXT_MAX 24

struct status_run {
    const struct status_inputs *in;
    status_emit_fn emit;
    void *owner;
    struct arena arena;   /* models and lists: the run's */
    struct arena scratch; /* one object's */
    char now[STATUS_TIME_TEXT_MAX];
    struct gateway_model **models; /* of the Gateways that are ours, by namespace and name */
    size_t n_models;
    struct status_refusal *refusals;
    size_t n_refusals;
    struct map parents; /* address of a struct route_parent -> its struct gateway_model_parent */
};

struct status_condition {
    const char *type;
    bool ok;
    const char *reason;
    struct slice text;
};

/* ---- status_doc.c ---- */

/* The status of one object while it is made; in the run's scratch. */
struct status_doc {
    struct status_run *run;
    struct arena *arena;
    const struct object *object;
    struct doc *root;
};

void status_doc_begin(struct status_doc *d, struct status_run *run, const struct object *o);
/* Emits it unless the object has it already; is_empty: nothing in it is ours, so an object without
 * a status keeps none. */
void status_doc_end(struct status_doc *d, bool is_empty);
/* "conditions" of `to`: what did not change keeps its time; those of others stay. old: the array so
 * far. */
void status_doc_conditions(struct status_doc *d, struct doc *to, const struct doc *old,
                           const struct status_condition *items, size_t count);
/* A member that is a text, which is not copied. */
void status_doc_text(struct status_doc *d, struct doc *to, const char *key, struct slice text);
/* A new object at the end of the array. */
struct doc *status_doc_push(struct status_doc *d, struct doc *array);
/* The array of that name in the status so far; NULL: none. */
const struct doc *status_doc_old(const struct object *o, const char *key);
struct status_condition status_doc_of(const char *type, const struct gateway_finding *finding);
/* The item of an array of objects whose member `key` is that string; NULL: none. */
const struct doc *status_doc_find(const struct doc *array, const char *key, struct slice value);

/* ---- one file each ---- */

void status_class_all(struct status_run *run);
void status_gateway_all(struct status_run *run);
void status_route_all(struct status_run *run);
void status_tls_all(struct status_run *run);    /* BackendTLSPolicy */
void status_ingress_all(struct status_run *run);
void status_policy_all(struct status_run *run); /* kinds of our own */
struct http_filter;
/* "ancestors" of an HTTPFilter's status (GEP-713): one for each target. */
/* Whether its references lead somewhere. */
struct status_condition status_filter_resolved(struct status_run *run, const struct http_filter *o);
void status_filter_ancestors(struct status_doc *d, const struct http_filter *o);
/* Objects that were refused. */
void status_refused_all(struct status_run *run);

/* ---- status_refusal.c: resources that data planes refuse ---- */

void status_refusal_gather(struct status_run *run);
/* Of a port of the Gateway; 0: of any. NULL: none. */
const struct status_refusal *status_refusal_of_gateway(const struct status_run *run,
                                                       struct slice namespace_name,
                                                       struct slice name, unsigned port);
/* Of something that is made of the policy, among other objects. NULL: none. */
const struct status_refusal *status_refusal_of_policy(const struct status_run *run,
                                                      const struct object *policy);
