/* Watches one folder by inotify and gathers what happens within 10 ms into one call. A folder that
 * is removed or replaced under its name is watched again as soon as it is there, which counts as a
 * change. On the loop's thread. Must not know what the files are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/watch.h"

#include <errno.h>
#include <sys/stat.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"
#include "lib/io/uv_err.h"

enum {
    GATHER_MS = 10,
    MISSING_RETRY_MS = 250,
};

struct watch {
    uv_fs_event_t event;
    char *path;
    watch_fn on_change;
    void *owner;
    struct timer timer; /* to gather, or to look again for a folder that is gone */
    bool active;
    dev_t device;
    ino_t inode;
};

static void on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
    struct watch *w = container_of(handle, struct watch, event);
    (void)name, (void)events, (void)status;
    if (!timer_is_running(&w->timer))
        timer_start(&w->timer, GATHER_MS);
}

static enum err look(const struct watch *w, struct stat *st)
{
    if (stat(w->path, st) < 0)
        return err_from_errno(errno);
    return S_ISDIR(st->st_mode) ? ERR_OK : ERR_INVALID;
}

static enum err begin(struct watch *w)
{
    struct stat st;
    enum err err = look(w, &st);
    if (err != ERR_OK)
        return err;
    int status = uv_fs_event_start(&w->event, on_event, w->path, 0);
    if (status < 0)
        return err_from_uv(status);
    w->active = true;
    w->device = st.st_dev;
    w->inode = st.st_ino;
    return ERR_OK;
}

/* inotify follows the folder, not its name: after a rename it would tell of the wrong one. */
static bool is_other_folder(const struct watch *w)
{
    struct stat st;
    return look(w, &st) != ERR_OK || st.st_dev != w->device || st.st_ino != w->inode;
}

static void on_timer(struct timer *timer)
{
    struct watch *w = container_of(timer, struct watch, timer);
    bool was_active = w->active;
    if (w->active && is_other_folder(w)) {
        uv_fs_event_stop(&w->event);
        w->active = false;
        LOG_W("watch", "%s: the folder is gone or was replaced", w->path);
    }
    if (!w->active && begin(w) != ERR_OK)
        timer_start(&w->timer, MISSING_RETRY_MS);
    if (was_active || w->active)
        w->on_change(w->owner);
}

static void on_closed(uv_handle_t *handle)
{
    struct watch *w = container_of((uv_fs_event_t *)handle, struct watch, event);
    mem_free(w->path);
    mem_free(w);
}

enum err watch_open(struct loop *l, const char *path, watch_fn on_change, void *owner,
                    struct watch **out)
{
    struct watch *w = mem_zalloc(sizeof(*w));
    w->path = mem_strdup(path);
    w->on_change = on_change;
    w->owner = owner;
    timer_init(&w->timer, l, on_timer);
    uv_fs_event_init(&l->uv, &w->event);
    enum err err = begin(w);
    if (err != ERR_OK) {
        watch_close(w);
        return err;
    }
    *out = w;
    return ERR_OK;
}

void watch_close(struct watch *w)
{
    timer_stop(&w->timer);
    uv_close((uv_handle_t *)&w->event, on_closed);
}
