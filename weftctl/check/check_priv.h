/* What the probes of `weftctl check` share. A probe is one function and one row of the table in
 * check_probes.c. It asks what it needs (weftctl/check/ask.h) as if all answers were there, and
 * returns where one is NULL: it is run again, from its beginning, until nothing is missing. What it
 * found on the way counts only then.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc.h"
#include "weftctl/check/ask.h"
#include "weftctl/check/check.h"
#include "weftctl/install/step.h"

struct check;

enum probe_stage {
    PROBE_BEFORE,   /* what must be so before an installation */
    PROBE_INSTALLED /* what is installed, and whether it works */
};

struct probe {
    const char *name;
    enum probe_stage stage;
    const char *asks; /* what it asks, for `weftctl check --list` */
    void (*run)(struct check *c);
    const char *cure; /* where the probe knows no better one: a command, or NULL */
    bool settles;     /* a failure may pass within seconds: it is looked at twice */
};

extern const struct probe check_probes[];
extern const size_t check_probe_count;

struct finding {
    struct finding *next;
    enum step_result result;
    struct slice text, cure; /* cure: a command of one line; empty: none is known */
};

/* ---- what a probe says; text and cure are copied ---- */

void check_ok(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* cure empty: that of the row. */
void check_warn(struct check *c, struct slice cure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void check_fail(struct check *c, struct slice cure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Something could not be asked: a warning where we lack the right to, else a failure. */
void check_unanswered(struct check *c, const struct ask *a, const char *what);
/* Nothing but good was said so far, in this run of the probe. */
bool check_is_good(const struct check *c);

struct asks *check_asks(struct check *c);
struct arena *check_arena(struct check *c);
/* "weft-certd", of the row that runs. */
const char *check_name(const struct check *c);
/* The objects that this weftctl installs. */
const struct doc_list *check_manifests(struct check *c);
const struct doc *check_manifest(struct check *c, const char *kind, const char *name);

/* ---- check_look.c: objects that several probes look at. NULL: not there yet, or no answer ---- */

#define CHECK_SYSTEM "weft-system"
#define CHECK_PROGRAMS {"weft-certd", "weft-policyd", "weft-injector"}
enum { CHECK_PROGRAM_COUNT = 3, CHECK_HEALTH_PORT = 15021 };

const struct ask *look_deployment(struct check *c, const char *program);
/* Pods of one of our programs: those that run and are not on their way out. *count of them. */
const struct doc **look_pods_of(struct check *c, const char *program, size_t *count);
const struct ask *look_namespaces(struct check *c);
/* Pods where sidecars are expected or asked for: of labelled namespaces, labelled pods elsewhere,
 * and those of Gateways. Returns false while answers are missing. */
bool look_mesh_pods(struct check *c, const struct doc ***out, size_t *count);
/* The roots that certd hands out; empty: there are none (or no answer yet). */
struct slice look_roots(struct check *c);
struct slice look_trust_domain(struct check *c);
/* What weft-policyd was given with that option, "--cluster-domain="; NULL: its image. */
struct slice look_argument(struct check *c, const char *option);
/* The API server's clock: of the newest Lease of a node, so some seconds late; 0: unknown. */
int64_t look_server_ms(struct check *c);
/* NetworkPolicies that select this pod and are not ours, as "name, name"; empty: none. */
struct slice look_network_policies(struct check *c, const struct doc *pod);
/* The last line of a container's log that warns or tells of an error, else its last line. */
struct slice look_log(struct check *c, const struct doc *pod, const char *container);

/* ---- check_judge.c: what single objects say; pure ---- */

struct slice judge_string(const struct doc *d, const char *path);
int64_t judge_int(const struct doc *d, const char *path);
bool judge_bool(const struct doc *d, const char *path);
/* The condition of that type; NULL: none. */
const struct doc *judge_condition(const struct doc *object, const char *type);
bool judge_is_true(const struct doc *object, const char *condition);
/* All replicas of the newest template are available. */
bool judge_is_rolled_out(const struct doc *deployment);
/* RFC 3339 into milliseconds since 1970; 0: it is none. */
int64_t judge_time_ms(struct slice text);
/* Everything of `part` is in `whole`, with equal values. False: *path says where not. */
bool judge_is_part(struct arena *a, const struct doc *part, const struct doc *whole,
                   struct slice *path);
/* What keeps a pod from running, from its own status: "container app: ErrImagePull, image x";
 * empty: nothing. *image: what cannot be fetched. */
struct slice judge_pod_trouble(struct arena *a, const struct doc *pod, struct slice *image);
/* The status of that container, among all kinds of them. */
/* The name of its container with a data plane of ours; NULL: there is none. */
const char *judge_data_plane(const struct doc *pod);
const struct doc *judge_container(const struct doc *pod, const char *list, const char *name);
/* How to mend what a refusal of the API server says, for an owner like "replicaset/web-1". */
struct slice judge_refusal_cure(struct arena *a, struct slice message, struct slice namespace_name,
                                struct slice owner);

/* ---- the probes, in probes_*.c ---- */

void probe_api_server(struct check *c);
void probe_gateway_api(struct check *c);
void probe_rights(struct check *c);
void probe_clocks(struct check *c);

void probe_crds(struct check *c);
void probe_certd(struct check *c);
void probe_policyd(struct check *c);
void probe_injector(struct check *c);
void probe_root(struct check *c);
void probe_trust_bundle(struct check *c);
void probe_certificates(struct check *c);
void probe_leaders(struct check *c);
void probe_gateway_class(struct check *c);

void probe_injection(struct check *c);
void probe_validation(struct check *c);
void probe_trial(struct check *c);

void probe_data_planes(struct check *c);
void probe_sidecars(struct check *c);
void probe_refused_pods(struct check *c);
void probe_labels(struct check *c);
