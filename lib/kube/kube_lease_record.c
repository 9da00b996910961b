/* The Lease object (coordination.k8s.io/v1), read and written. The times in it are for people:
 * clocks of different machines are not compared. On the client's loop. Must not know when what is
 * asked.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/clock.h"
#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/kube/kube_lease_priv.h"
#include "lib/kube/kube_write_priv.h"

enum { DURATION_MAX_S = 3600 };

struct kube_ref kube_lease_ref(const struct kube_lease *l)
{
    return (struct kube_ref){
        .api_version = "coordination.k8s.io/v1",
        .plural = "leases",
        .namespace_name = slice_from_cstr(l->namespace_name),
        .name = slice_from_cstr(l->name),
    };
}

static void copy_text(char *to, size_t size, struct slice from)
{
    size_t len = from.len < size ? from.len : 0;
    if (len)
        memcpy(to, from.ptr, len);
    to[len] = '\0';
}

static int64_t number(const struct doc *d, int64_t otherwise)
{
    return d && d->type == DOC_INT ? d->integer : otherwise;
}

bool kube_lease_record_read(const struct kube_lease *l, struct slice json,
                            struct kube_lease_record *out)
{
    struct arena arena;
    struct doc_error error;
    const struct doc *d;
    arena_init(&arena, 4096);
    *out = (struct kube_lease_record){0};
    if (doc_json_parse(json, &arena, &d, &error) == ERR_OK) {
        struct slice holder = doc_string(doc_find(d, "spec.holderIdentity"));
        int64_t seconds = number(doc_find(d, "spec.leaseDurationSeconds"), 1);
        out->is_ours = slice_eq_cstr(holder, l->holder);
        out->is_free = holder.len == 0;
        out->duration_ms =
            (uint64_t)(seconds < 1 || seconds > DURATION_MAX_S ? DURATION_MAX_S : seconds) * 1000;
        out->transitions = number(doc_find(d, "spec.leaseTransitions"), 0);
        copy_text(out->version, sizeof(out->version),
                  doc_string(doc_find(d, "metadata.resourceVersion")));
        copy_text(out->acquired, sizeof(out->acquired),
                  doc_string(doc_find(d, "spec.acquireTime")));
    }
    arena_dispose(&arena);
    return out->version[0] != '\0';
}

static void write_spec(struct kube_lease *l, struct json_write *w, bool release)
{
    struct kube_lease_record *old = &l->record;
    char now[KUBE_TIME_TEXT_MAX];
    kube_time_text(clock_wall_ms(), now);
    bool taken = !release && !old->is_ours;
    json_write_key(w, "spec");
    json_write_object(w);
    json_write_field(w, "holderIdentity", slice_from_cstr(release ? "" : l->holder));
    json_write_field_u64(w, "leaseDurationSeconds", release ? 1 : (l->duration_ms + 999) / 1000);
    json_write_field(w, "acquireTime",
                     slice_from_cstr(taken || !old->acquired[0] ? now : old->acquired));
    json_write_field(w, "renewTime", slice_from_cstr(now));
    json_write_key(w, "leaseTransitions");
    json_write_i64(w, old->transitions + (taken && old->version[0]));
    json_write_object_end(w);
}

char *kube_lease_record_write(struct kube_lease *l, bool is_new, bool release)
{
    struct buf out;
    struct json_write w;
    buf_init(&out);
    json_write_init(&w, &out);
    json_write_object(&w);
    json_write_field(&w, "apiVersion", SLICE("coordination.k8s.io/v1"));
    json_write_field(&w, "kind", SLICE("Lease"));
    json_write_key(&w, "metadata");
    json_write_object(&w);
    json_write_field(&w, "namespace", slice_from_cstr(l->namespace_name));
    json_write_field(&w, "name", slice_from_cstr(l->name));
    if (!is_new)
        json_write_field(&w, "resourceVersion", slice_from_cstr(l->record.version));
    json_write_object_end(&w);
    write_spec(l, &w, release);
    json_write_object_end(&w);
    return buf_take_text(&out, NULL);
}
