/* certd without a cluster: the CA, join tokens and the audit log in one state folder, the trust
 * bundle in a file for others to read. Blocking file access, on certd's only thread. Must not know
 * how a certificate is made.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "certd/certd_priv.h"
#include "certd/ca_folder.h"
#include "certd/join_token.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/metric.h"
#include "lib/io/file.h"

enum { BUNDLE_MODE = 0644, BUNDLE_MAX = 1 << 20 };

struct folder {
    int lock_fd;
    int64_t replaced_ms; /* when the root became another one while we ran; 0: it did not */
};

/* Two servers on one folder would both spend tokens and write the log. */
static enum err lock_state(struct folder *f, const char *dir)
{
    char *path = mem_printf("%s/lock", dir);
    f->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = f->lock_fd >= 0 && flock(f->lock_fd, LOCK_EX | LOCK_NB) == 0;
    if (!ok)
        LOG_E("certd", "%s: %s", path,
              errno == EWOULDBLOCK ? "another weft-certd serves from this folder"
                                   : strerror(errno));
    mem_free(path);
    return ok ? ERR_OK : ERR_BUSY;
}

/* What was written before is the witness of the root that the mesh had. */
static void compare_roots(struct folder *f, const char *path, const char *roots_pem)
{
    char *before;
    size_t len;
    if (file_read(path, BUNDLE_MAX, &before, &len))
        return;
    if (ca_is_another_mesh(slice_of(before, len), slice_from_cstr(roots_pem))) {
        f->replaced_ms = clock_wall_ms();
        LOG_E("certd",
              "the root has nothing in common with those in %s: workloads get new certificates as "
              "they hear of it, and calls between old and new ones fail until then. To go back, "
              "restore the state folder from a backup",
              path);
    }
    mem_free(before);
}

static enum err write_bundle(const struct certd *certd)
{
    const char *path = certd->options->bundle_out;
    if (!path)
        return ERR_OK;
    compare_roots(certd->home_state, path, certd->ca.bundle_pem);
    enum err e =
        file_write_atomic(path, certd->ca.bundle_pem, strlen(certd->ca.bundle_pem), BUNDLE_MODE);
    if (e)
        LOG_E("certd", "%s: the trust bundle cannot be written: %s", path, err_text(e));
    return e;
}

/* Everything from the folder anew; what is in use stays until all of it is good. */
static enum err load(struct certd *certd)
{
    char why[CA_DETAIL_MAX];
    struct ca fresh;
    const struct options *o = certd->options;
    struct ca_config config = {o->state_dir, o->trust_domain, o->root_ttl_ms,
                               o->intermediate_ttl_ms};
    enum err e = ca_folder_open(&config, clock_wall_ms(), &fresh, why);
    if (e) {
        LOG_E("certd", "%s", why);
        return e;
    }
    e = certd_use_ca(certd, &fresh);
    return e ? e : write_bundle(certd);
}

static enum err open_home(struct certd *certd)
{
    const struct options *o = certd->options;
    struct folder *f = mem_zalloc(sizeof(*f));
    f->lock_fd = -1;
    certd->home_state = f;
    enum err e = file_make_dirs(o->state_dir, 0700);
    if (e) {
        LOG_E("certd", "%s: cannot be made: %s", o->state_dir, err_text(e));
        return e;
    }
    e = lock_state(f, o->state_dir);
    if (!e)
        e = load(certd);
    if (!e)
        e = join_token_prepare(o->state_dir);
    if (!e)
        e = audit_open(o->state_dir, &certd->audit);
    if (e)
        return e;
    struct ca_service_config config = {
        .state_dir = o->state_dir,
        .policy = options_policy(o),
        .ca = &certd->ca,
        .audit = certd->audit,
        .rate_per_minute = o->rate_per_minute,
    };
    return certd_serve_with(certd, &config);
}

static void tick(struct certd *certd, int64_t now_ms)
{
    if (certd->ca.replace_at_ms && now_ms >= certd->ca.replace_at_ms)
        certd->is_healthy = load(certd) == ERR_OK;
    unsigned swept = join_token_sweep(certd->options->state_dir, now_ms);
    if (swept)
        LOG_I("certd", "removed %u expired join tokens", swept);
}

static void reload(struct certd *certd)
{
    bool ok = load(certd) == ERR_OK;
    LOG_I("certd", ok ? "read %s again" : "kept what was in use; %s is not usable now",
          certd->options->state_dir);
}

static void add_metrics(const struct certd *certd, struct buf *out)
{
    static const char *const name = "weft_certd_root_replaced_timestamp_seconds";
    const struct folder *f = certd->home_state;
    metric_write_type(out, name, METRIC_GAUGE, CERTD_ROOT_REPLACED_HELP);
    metric_write_u64(out, name, NULL, 0, f ? (uint64_t)f->replaced_ms / 1000 : 0);
}

static void close_home(struct certd *certd)
{
    struct folder *f = certd->home_state;
    if (f && f->lock_fd >= 0)
        close(f->lock_fd);
    mem_free(f);
}

const struct certd_home certd_folder_home = {open_home, tick,        reload,
                                         certd_stop,  add_metrics, close_home};
