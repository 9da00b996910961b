/* The life of a certificate: from disk or from the CA, renewed at half life or when the roots are
 * others, retried with growing pauses, never given up while it is valid. On the owner's loop. Must
 * not know what TLS contexts are made of it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/identity/identity.h"

#include <stdio.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/metric.h"
#include "lib/base/rand.h"
#include "lib/identity/identity_request.h"
#include "lib/io/file.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/io/watch.h"
#include "lib/tls/tls_roots.h"

#define RETRY_BASE_MS 500
#define RETRY_MAX_MS 30000
#define BUNDLE_MAX (1024u * 1024)
#define LOOK_MS 60000 /* at the wall clock, which may jump */

struct identity {
    struct loop *loop;
    struct identity_config config;
    char *spiffe_id;
    struct identity_material current; /* chain_pem NULL: none */
    struct identity_request *request;
    struct loop_task close_request;
    struct watch *watch;        /* of the certificate's folder */
    struct watch *bundle_watch; /* of the trust bundle's */
    struct timer timer;
    struct rand_state rand;
    char *told;        /* the roots in force by our owner's word; NULL: the bundle's file says */
    unsigned failures; /* in a row */
    bool by_token;     /* the CA does not take our certificate: the next try shows a token */
    bool is_misfit;    /* the certificate in use does not chain to the roots in force */
    bool by_new_roots; /* a misfit's next try: the CA is known by the roots in force */
    int64_t renew_wall_ms;
    uint64_t renew_mono_ms; /* whichever comes first */
    uint64_t renewals;
};

static bool has_token(const struct identity *id)
{
    return id->config.token_file || id->config.join_token_file;
}

static bool has_certificate(const struct identity *id)
{
    return id->current.chain_pem && id->current.not_after_ms > clock_wall_ms();
}

/* Half of what is left, give or take a twentieth, so that a fleet that started together does not
 * come back together. Not of the whole life: a CA dates its certificates back for slow clocks. */
static void schedule_renewal(struct identity *id)
{
    int64_t now = clock_wall_ms(), left = id->current.not_after_ms - now;
    int64_t delay = (int64_t)((double)left * (0.475 + 0.05 * rand_unit(&id->rand)));
    delay = delay > 0 ? delay : 0;
    id->renew_wall_ms = now + delay;
    id->renew_mono_ms = loop_now_ms(id->loop) + (uint64_t)delay;
    timer_start(&id->timer, delay < LOOK_MS ? (uint64_t)delay : LOOK_MS);
}

/* By both clocks: a wall clock that jumps ahead (a machine that slept, a time server that was heard
 * at last) makes the certificate older, and one that jumps back makes it no younger. */
static bool is_renewal_due(const struct identity *id)
{
    return id->failures || id->is_misfit || !has_certificate(id) ||
           clock_wall_ms() >= id->renew_wall_ms || loop_now_ms(id->loop) >= id->renew_mono_ms;
}

static void schedule_retry(struct identity *id, const char *detail)
{
    uint64_t delay = backoff_delay(id->failures++, RETRY_BASE_MS, RETRY_MAX_MS, &id->rand);
    int64_t left_s = (id->current.not_after_ms - clock_wall_ms()) / 1000;
    if (!has_certificate(id))
        LOG_E("identity", "%s; there is no certificate, so no mutual TLS; next try in %lu ms",
              detail, (unsigned long)delay);
    else if (id->is_misfit)
        LOG_E("identity",
              "%s; the certificate in use does not chain to the roots in force, so peers that have "
              "these refuse us; next try in %lu ms",
              detail, (unsigned long)delay);
    else
        LOG_W("identity",
              "%s; the certificate in use is good for another %ld s; next try in %lu ms", detail,
              (long)left_s, (unsigned long)delay);
    timer_start(&id->timer, delay);
}

/* Takes `m` over when it can be used; else leaves everything as it is. */
static enum err use(struct identity *id, struct identity_material *m, char detail[TLS_DETAIL_MAX])
{
    enum err e = identity_material_check(m, id->spiffe_id, clock_wall_ms(), detail);
    if (e == ERR_OK)
        e = id->config.use(id->config.owner, id->spiffe_id, m, detail);
    if (e != ERR_OK) {
        identity_material_dispose(m);
        return e;
    }
    identity_material_dispose(&id->current);
    id->current = *m;
    id->failures = 0;
    id->by_token = id->is_misfit = false;
    id->renewals++;
    if (m->not_before_ms > clock_wall_ms())
        LOG_W("identity", "the certificate begins in %ld s: this machine's clock is behind",
              (long)((m->not_before_ms - clock_wall_ms()) / 1000));
    LOG_I("identity", "%s has a certificate for another %ld s", id->spiffe_id,
          (long)((id->current.not_after_ms - clock_wall_ms()) / 1000));
    return ERR_OK;
}

/* ---- from the CA ---- */

static void close_request(struct loop_task *task)
{
    struct identity *id = container_of(task, struct identity, close_request);
    if (id->request)
        identity_request_close(id->request);
    id->request = NULL;
}

static void on_answer(void *owner, enum err e, struct identity_material *material, const char *why)
{
    struct identity *id = owner;
    char detail[TLS_DETAIL_MAX];
    snprintf(detail, sizeof(detail), "%s", why);
    loop_run_soon(id->loop, &id->close_request); /* not from inside its own callback */
    if (e == ERR_OK)
        e = use(id, material, detail);
    /* A CA with a new root knows nobody any more; but a token, if there is one, may help. */
    if (e == ERR_DENIED && has_certificate(id))
        id->by_token = !id->by_token && has_token(id);
    /* Who has the newer roots, we or the CA, is not known: they are tried in turn. */
    id->by_new_roots = id->is_misfit && !id->by_new_roots;
    if (e != ERR_OK) {
        schedule_retry(id, detail);
        return;
    }
    const char *dir = id->config.keep_dir;
    if (dir && (e = identity_material_save(&id->current, dir)) != ERR_OK)
        LOG_W("identity", "%s: the certificate cannot be kept: %s", dir, err_text(e));
    schedule_renewal(id);
}

/* Both NULL: by token, and by the roots that the file has. */
static void choose_proof(const struct identity *id, const char **roots,
                         const struct identity_material **proof)
{
    bool anew = id->is_misfit ? id->by_new_roots : id->by_token;
    *proof = has_certificate(id) && !(anew && has_token(id)) ? &id->current : NULL;
    *roots = *proof && !anew ? id->current.roots_pem : id->told;
}

static void on_time(struct timer *t)
{
    struct identity *id = container_of(t, struct identity, timer);
    char detail[TLS_DETAIL_MAX];
    const char *roots;
    const struct identity_material *proof;
    if (!is_renewal_due(id)) {
        timer_start(&id->timer, LOOK_MS);
        return;
    }
    close_request(&id->close_request);
    choose_proof(id, &roots, &proof);
    enum err e = identity_request_open(id->loop, &id->config, id->spiffe_id, roots, proof,
                                       on_answer, id, &id->request, detail);
    if (e != ERR_OK)
        schedule_retry(id, detail);
}

static void start_with_certd(struct identity *id)
{
    char detail[TLS_DETAIL_MAX];
    struct identity_material kept;
    const char *dir = id->config.keep_dir;
    if (dir && identity_material_load(&kept, dir) == ERR_OK) {
        if (use(id, &kept, detail) == ERR_OK) {
            schedule_renewal(id);
            return;
        }
        LOG_I("identity", "%s: not used: %s", dir, detail);
    }
    timer_start(&id->timer, 0);
}

/* ---- from files ---- */

static enum err read_files(const struct identity_config *s, struct identity_material *m,
                           char detail[TLS_DETAIL_MAX])
{
    if (file_is_public(s->key_file)) {
        snprintf(detail, TLS_DETAIL_MAX,
                 "everybody may read the private key %s; make it its owner's alone: chmod 600",
                 s->key_file);
        return ERR_DENIED;
    }
    enum err e = identity_material_read(m, s->key_file, s->cert_file, s->trust_bundle_file);
    if (e != ERR_OK)
        snprintf(detail, TLS_DETAIL_MAX, "%s, %s or %s cannot be read: %s", s->key_file,
                 s->cert_file, s->trust_bundle_file, err_text(e));
    return e;
}

static enum err load_files(struct identity *id)
{
    const struct identity_config *s = &id->config;
    char detail[TLS_DETAIL_MAX];
    struct identity_material m;
    enum err e = read_files(s, &m, detail);
    if (e == ERR_OK)
        e = use(id, &m, detail);
    id->is_misfit |= e == ERR_UNTRUSTED;
    id->failures += e != ERR_OK;
    if (e != ERR_OK)
        LOG_E("identity", "%s: %s%s", s->cert_file, detail,
              has_certificate(id) ? "; the certificate in use stays" : "");
    return e;
}

static void on_files_changed(void *owner)
{
    (void)!load_files(owner);
}

static enum err watch_folder_of(struct identity *id, const char *file, watch_fn on_change,
                                struct watch **out)
{
    char *dir = mem_strdup(file);
    char *slash = strrchr(dir, '/');
    if (slash)
        *slash = 0;
    enum err e = watch_open(id->loop, slash ? dir : ".", on_change, id, out);
    mem_free(dir);
    return e;
}

static enum err start_with_files(struct identity *id)
{
    enum err e = load_files(id);
    return e ? e : watch_folder_of(id, id->config.cert_file, on_files_changed, &id->watch);
}

/* ---- the trust bundle ---- */

/* The CA has moved on, and has another certificate for us. What there is stays in use: peers that
 * have not heard of it yet still take it. */
static void ask_anew(struct identity *id, const char *why)
{
    LOG_E("identity", "%s; asking for another certificate at once", why);
    id->is_misfit = id->by_new_roots = true;
    timer_start(&id->timer, 0);
}

/* The same certificate with other roots, unless it does not chain to them. */
static void use_roots(struct identity *id, const char *roots)
{
    char detail[TLS_DETAIL_MAX];
    struct identity_material m = {
        .key_pem = mem_strdup(id->current.key_pem),
        .chain_pem = mem_strdup(id->current.chain_pem),
        .roots_pem = mem_strdup(roots),
    };
    enum err e = use(id, &m, detail);
    if (e == ERR_INVALID) {
        LOG_W("identity", "%s; those in use stay", detail);
        return;
    }
    if (e != ERR_OK) {
        ask_anew(id, detail);
        return;
    }
    LOG_I("identity", "other roots are trusted from now on");
    schedule_renewal(id);
    if (id->config.keep_dir && identity_material_save(&id->current, id->config.keep_dir))
        LOG_W("identity", "%s: the roots cannot be kept", id->config.keep_dir);
}

static void consider_roots(struct identity *id, const char *roots)
{
    if (!has_certificate(id)) {
        if (!id->request)
            timer_start(&id->timer, 0); /* what failed may go now */
    } else if (strcmp(roots, id->current.roots_pem) != 0) {
        use_roots(id, roots);
    } else if (id->is_misfit) {
        LOG_I("identity", "the roots in force are again those that the certificate chains to");
        id->is_misfit = false;
        id->failures = 0;
        schedule_renewal(id);
    }
}

static void on_bundle_changed(void *owner)
{
    struct identity *id = owner;
    char *roots;
    size_t len;
    if (id->config.cert_file) {
        on_files_changed(id);
        return;
    }
    if (id->told)
        return;
    enum err e = file_read(id->config.trust_bundle_file, BUNDLE_MAX, &roots, &len);
    if (e != ERR_OK) {
        LOG_W("identity", "%s: %s", id->config.trust_bundle_file, err_text(e));
        return;
    }
    consider_roots(id, roots);
    mem_free(roots);
}

void identity_trust(struct identity *id, const char *roots_pem)
{
    struct tls_roots *roots;
    if (!id->config.certd_address)
        return;
    if (tls_roots_create(slice_from_cstr(roots_pem), &roots, NULL)) {
        LOG_W("identity", "the roots that are said to be in force are none; those in use stay");
        return;
    }
    tls_roots_unref(roots);
    mem_free(id->told);
    id->told = mem_strdup(roots_pem);
    consider_roots(id, id->told);
}

static void watch_bundle(struct identity *id)
{
    const char *file = id->config.trust_bundle_file;
    enum err e = file ? watch_folder_of(id, file, on_bundle_changed, &id->bundle_watch) : ERR_OK;
    if (e != ERR_OK)
        LOG_W("identity", "%s: changes will not be seen: %s", file, err_text(e));
}

/* ---- life ---- */

enum err identity_open(struct loop *l, const struct identity_config *config, struct identity **out)
{
    uint64_t seed;
    struct identity *id = mem_zalloc(sizeof(*id));
    id->loop = l;
    id->config = *config;
    id->spiffe_id = mem_printf("spiffe://%s/ns/%s/sa/%s", config->trust_domain,
                               config->namespace_name, config->service_account);
    rand_secure(&seed, sizeof(seed));
    rand_seed(&id->rand, seed);
    timer_init(&id->timer, l, on_time);
    loop_task_init(&id->close_request, close_request);
    enum err e = ERR_OK;
    if (config->cert_file)
        e = start_with_files(id);
    else if (config->certd_address)
        start_with_certd(id);
    else
        LOG_W("identity",
              "neither --certd nor --cert-file: this workload has no identity, and calls "
              "in the mesh that need one fail");
    if (e != ERR_OK) {
        identity_close(id);
        return e;
    }
    watch_bundle(id);
    /* What was kept may be of other roots than those that are in force by now. */
    if (config->certd_address && has_certificate(id))
        on_bundle_changed(id);
    *out = id;
    return ERR_OK;
}

void identity_close(struct identity *id)
{
    timer_stop(&id->timer);
    loop_task_cancel(&id->close_request);
    if (id->watch)
        watch_close(id->watch);
    if (id->bundle_watch)
        watch_close(id->bundle_watch);
    close_request(&id->close_request);
    identity_material_dispose(&id->current);
    mem_free(id->told);
    mem_free(id->spiffe_id);
    mem_free(id);
}

/* ---- how it is ---- */

void identity_read(const struct identity *id, struct identity_state *out)
{
    *out = (struct identity_state){
        .is_trusted = has_certificate(id) && !id->is_misfit,
        .failures = id->failures,
        .not_after_ms = id->current.chain_pem ? id->current.not_after_ms : 0,
        .renewals = id->renewals,
    };
}

void identity_write_metrics(const struct identity *id, struct buf *out)
{
    struct identity_state s = {0};
    if (id)
        identity_read(id, &s);
    metric_write_type(out, "weft_certificate_trusted", METRIC_GAUGE,
                      "1: our certificate is valid and chains to the roots in force.");
    metric_write_u64(out, "weft_certificate_trusted", NULL, 0, s.is_trusted);
    metric_write_type(out, "weft_certificate_request_failures", METRIC_GAUGE,
                      "Attempts to get a certificate that failed in a row.");
    metric_write_u64(out, "weft_certificate_request_failures", NULL, 0, s.failures);
}
