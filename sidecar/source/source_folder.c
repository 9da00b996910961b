/* Folder -> policy set -> configuration -> snapshot, and again after every change. Control thread;
 * may block on files. Must not know who the snapshots are for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/source/source_folder.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/watch.h"
#include "policies/compile/compile.h"
#include "policies/store/folder.h"
#include "sidecar/config/last_good.h"

struct source_folder {
    const struct settings *settings;
    source_publish_fn publish;
    void *owner;
    struct snapshot_builder *builder;
    struct watch *watch;
    uint64_t rejected;
    bool has_published;
};

static void log_diags(struct diag_list *diags)
{
    LIST_FOREACH(node, &diags->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        struct slice text = diag_format(diags, d);
        LOG(d->is_warning ? LOG_WARN : LOG_ERROR, "policies", "%.*s", SLICE_ARG(text));
    }
}

static struct compile_target target_of(const struct settings *s, char ip[ADDR_TEXT_MAX])
{
    bool ingress = s->mode == MODE_INGRESS;
    return (struct compile_target){
        .namespace_name = slice_from_cstr(s->namespace_name),
        .workload = slice_from_cstr(s->workload),
        .service_account = slice_from_cstr(s->service_account),
        .pod_ip =
            s->pod_ip.family ? slice_from_cstr(addr_format_ip(&s->pod_ip, ip)) : (struct slice){0},
        .gateway = ingress ? slice_from_cstr(s->gateway) : (struct slice){0},
        .trust_domain = slice_from_cstr(s->trust_domain),
    };
}

static void keep_last_good(const struct source_folder *f, const Weft__Config__V1__Configuration *c)
{
    if (!f->settings->last_good_file)
        return;
    size_t len = weft__config__v1__configuration__get_packed_size(c);
    uint8_t *packed = mem_alloc(len + 1);
    weft__config__v1__configuration__pack(c, packed);
    last_good_keep(f->settings->last_good_file, packed, len);
    mem_free(packed);
}

static void on_refused(void *owner, const char *resource, const char *why)
{
    unsigned *count = owner;
    (void)resource;
    LOG_E("config", "refused alone, the rest goes into force: %s", why);
    ++*count;
}

/* How many resources were refused. */
static unsigned build_and_publish(struct source_folder *f, const Weft__Config__V1__Configuration *c)
{
    unsigned refused = 0;
    struct snapshot *snapshot = snapshot_build_what_can_be(f->builder, c, on_refused, &refused);
    f->has_published = true;
    f->rejected += refused > 0;
    LOG_I("config", "version %lu is in force", (unsigned long)snapshot_version(snapshot));
    f->publish(f->owner, snapshot);
    return refused;
}

static enum err load(struct source_folder *f)
{
    struct diag_list diags;
    struct policy_set *set = NULL;
    char ip[ADDR_TEXT_MAX];
    diag_list_init(&diags);
    enum err e = folder_load(f->settings->policy_dir, &diags, &set);
    if (e == ERR_OK) {
        struct compile_target target = target_of(f->settings, ip);
        Weft__Config__V1__Configuration *c = compile_configuration(set, &target, &diags);
        if (build_and_publish(f, c) == 0)
            keep_last_good(f, c);
        compile_free(c);
        policy_set_destroy(set);
    }
    log_diags(&diags);
    diag_list_dispose(&diags);
    return e;
}

static enum err load_last_good(struct source_folder *f)
{
    Weft__Config__V1__Configuration *c;
    enum err e = last_good_load(f->settings->last_good_file, &c);
    if (e != ERR_OK)
        return e;
    build_and_publish(f, c);
    weft__config__v1__configuration__free_unpacked(c, NULL);
    LOG_W("config", "serving the last good configuration from %s", f->settings->last_good_file);
    return ERR_OK;
}

void source_folder_reload(struct source_folder *f)
{
    if (load(f) == ERR_OK)
        return;
    f->rejected++;
    LOG_E("config", "%s: refused as a whole; %s", f->settings->policy_dir,
          f->has_published ? "the configuration in force stays" : "nothing is in force yet");
}

static void on_change(void *owner)
{
    source_folder_reload(owner);
}

enum err source_folder_open(struct loop *l, const struct settings *settings,
                            source_publish_fn publish, void *owner, struct source_folder **out)
{
    struct source_folder *f = mem_zalloc(sizeof(*f));
    f->settings = settings;
    f->publish = publish;
    f->owner = owner;
    f->builder = snapshot_builder_create();
    /* Watching comes first: a change between loading and watching would be missed. */
    enum err e = watch_open(l, settings->policy_dir, on_change, f, &f->watch);
    if (e != ERR_OK)
        LOG_E("config", "%s: cannot watch: %s", settings->policy_dir, err_text(e));
    source_folder_reload(f);
    if (!f->has_published)
        e = load_last_good(f);
    if (f->has_published && f->watch) {
        *out = f;
        return ERR_OK;
    }
    source_folder_close(f);
    return e != ERR_OK ? e : ERR_INVALID;
}

void source_folder_close(struct source_folder *f)
{
    if (f->watch)
        watch_close(f->watch);
    snapshot_builder_destroy(f->builder);
    mem_free(f);
}

unsigned source_folder_purge(struct source_folder *f, const struct filter_purge *what)
{
    return snapshot_builder_purge(f->builder, what);
}

uint64_t source_folder_rejected(const struct source_folder *f)
{
    return f->rejected;
}
