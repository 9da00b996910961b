/* Calls that change objects: path, query, content type and body. On the client's loop. Must not
 * know connections, nor why something is written.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_write.h"

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_path.h"
#include "lib/kube/kube_write_priv.h"

#define MANAGER "weft"

/* The core group has a prefix of its own. */
char *kube_write_path(const struct kube_ref *ref, bool with_name, const char *suffix)
{
    const char *prefix = strchr(ref->api_version, '/') ? "/apis/" : "/api/";
    char *space = kube_path_escape(ref->namespace_name), *name = kube_path_escape(ref->name);
    char *path =
        mem_printf("%s%s%s%s/%s%s%s%s", prefix, ref->api_version, *space ? "/namespaces/" : "",
                   space, ref->plural, with_name ? "/" : "", with_name ? name : "", suffix);
    mem_free(space);
    mem_free(name);
    return path;
}

static struct kube_request *send(struct kube_client *c, const char *method, char *path,
                                 const char *type, struct slice body, kube_done_fn done,
                                 void *owner)
{
    struct kube_call call = {
        .method = method,
        .path = slice_from_cstr(path),
        .body = body,
        .content_type = type,
    };
    struct kube_request *r = kube_client_send(c, &call, done, owner);
    mem_free(path);
    return r;
}

/* JSON is YAML. */
struct kube_request *kube_write_apply(struct kube_client *c, const struct kube_ref *ref,
                                      struct slice json, kube_done_fn done, void *owner)
{
    char *path = kube_write_path(ref, true, "?fieldManager=" MANAGER "&force=true");
    return send(c, "PATCH", path, "application/apply-patch+yaml", json, done, owner);
}

/* A JSON patch (RFC 6902), since a merge would leave members that are gone. With the resource
 * version in it the server compares it with the object's own. */
struct kube_request *kube_write_status(struct kube_client *c, const struct kube_ref *ref,
                                       struct slice resource_version, struct slice status,
                                       kube_done_fn done, void *owner)
{
    static const char version_begin[] =
        "[{\"op\":\"replace\",\"path\":\"/metadata/resourceVersion\",\"value\":";
    static const char status_begin[] = "{\"op\":\"add\",\"path\":\"/status\",\"value\":";
    struct buf out;
    struct json_write w;
    buf_init(&out);
    json_write_init(&w, &out);
    if (resource_version.len) {
        buf_append(&out, version_begin, sizeof(version_begin) - 1);
        json_write_string(&w, resource_version);
        buf_append(&out, "},", 2);
    } else {
        buf_append(&out, "[", 1);
    }
    buf_append(&out, status_begin, sizeof(status_begin) - 1);
    buf_append_slice(&out, status);
    buf_append(&out, "}]", 2);
    char *body = buf_take_text(&out, NULL);
    char *path = kube_write_path(ref, true, "/status?fieldManager=" MANAGER);
    struct kube_request *r =
        send(c, "PATCH", path, "application/json-patch+json", slice_from_cstr(body), done, owner);
    mem_free(body);
    return r;
}

struct kube_request *kube_write_delete(struct kube_client *c, const struct kube_ref *ref,
                                       kube_done_fn done, void *owner)
{
    return send(c, "DELETE", kube_write_path(ref, true, ""), NULL, (struct slice){NULL, 0}, done,
                owner);
}
