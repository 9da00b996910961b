/* The life of a certificate: from disk or from the CA, renewed at half life, retried with growing
 * pauses, never given up while it is valid. On the owner's loop. Must not know what TLS contexts
 * are made of it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/identity/identity.h"

#include <stdio.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/identity/identity_request.h"
#include "lib/io/file.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/io/watch.h"

#define RETRY_BASE_MS 500
#define RETRY_MAX_MS 30000
#define BUNDLE_MAX (1024u * 1024)

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
    unsigned failures; /* in a row */
    bool by_token;     /* the CA does not take our certificate: the next try shows a join token */
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
    int64_t left = id->current.not_after_ms - clock_wall_ms();
    int64_t delay = (int64_t)((double)left * (0.475 + 0.05 * rand_unit(&id->rand)));
    timer_start(&id->timer, delay > 0 ? (uint64_t)delay : 0);
}

static void schedule_retry(struct identity *id, const char *detail)
{
    uint64_t delay = backoff_delay(id->failures++, RETRY_BASE_MS, RETRY_MAX_MS, &id->rand);
    int64_t left_s = (id->current.not_after_ms - clock_wall_ms()) / 1000;
    if (has_certificate(id))
        LOG_W("identity",
              "%s; the certificate in use is good for another %ld s; next try in %lu ms", detail,
              (long)left_s, (unsigned long)delay);
    else
        LOG_E("identity", "%s; there is no certificate, so no mutual TLS; next try in %lu ms",
              detail, (unsigned long)delay);
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
    id->by_token = false;
    id->renewals++;
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
    if (e != ERR_OK) {
        schedule_retry(id, detail);
        return;
    }
    const char *dir = id->config.keep_dir;
    if (dir && (e = identity_material_save(&id->current, dir)) != ERR_OK)
        LOG_W("identity", "%s: the certificate cannot be kept: %s", dir, err_text(e));
    schedule_renewal(id);
}

static void on_time(struct timer *t)
{
    struct identity *id = container_of(t, struct identity, timer);
    char detail[TLS_DETAIL_MAX];
    close_request(&id->close_request);
    const struct identity_material *proof =
        has_certificate(id) && !id->by_token ? &id->current : NULL;
    enum err e = identity_request_open(id->loop, &id->config, id->spiffe_id, proof, on_answer, id,
                                       &id->request, detail);
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
    if (e != ERR_OK)
        LOG_E("identity", "%s: %s%s", s->cert_file, detail,
              has_certificate(id) ? "; the certificate in use stays" : "");
    return e;
}

static void on_files_changed(void *owner)
{
    if (load_files(owner) != ERR_OK)
        return;
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

/* The same certificate with other roots. When it does not chain to them, the CA has moved on, and
 * has another certificate for us. */
static void use_roots(struct identity *id, char *roots)
{
    char detail[TLS_DETAIL_MAX];
    struct identity_material m = {
        .key_pem = mem_strdup(id->current.key_pem),
        .chain_pem = mem_strdup(id->current.chain_pem),
        .roots_pem = roots,
    };
    enum err e = use(id, &m, detail);
    if (e == ERR_OK) {
        LOG_I("identity", "%s: other roots are trusted from now on", id->config.trust_bundle_file);
        if (id->config.keep_dir && identity_material_save(&id->current, id->config.keep_dir))
            LOG_W("identity", "%s: the roots cannot be kept", id->config.keep_dir);
        return;
    }
    LOG_W("identity", "%s: %s; asking for another certificate", id->config.trust_bundle_file,
          detail);
    id->by_token = has_token(id);
    timer_start(&id->timer, 0);
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
    enum err e = file_read(id->config.trust_bundle_file, BUNDLE_MAX, &roots, &len);
    if (e != ERR_OK)
        LOG_W("identity", "%s: %s", id->config.trust_bundle_file, err_text(e));
    else if (has_certificate(id) && strcmp(roots, id->current.roots_pem) != 0)
        use_roots(id, mem_strdup(roots));
    else if (!has_certificate(id) && !id->request)
        timer_start(&id->timer, 0); /* what failed may go now */
    if (e == ERR_OK)
        mem_free(roots);
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
    mem_free(id->spiffe_id);
    mem_free(id);
}

int64_t identity_not_after_ms(const struct identity *id)
{
    return id->current.chain_pem ? id->current.not_after_ms : 0;
}

uint64_t identity_renewals(const struct identity *id)
{
    return id->renewals;
}
