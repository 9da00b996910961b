/* A kubeconfig: current-context, and the cluster and user that it names, with what they refer to
 * (inline, or in files beside it). Fields that would make us less safe, or somebody else, are
 * refused and not passed over. Blocking. Must not know pods.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/text/base64.h"
#include "lib/codec/doc/doc_yaml.h"
#include "lib/io/file.h"
#include "lib/kube/kube_config_priv.h"

enum { FILES_MAX = 8, HTTPS_PORT = 443 };

struct file {
    char *path;
    const struct doc *doc;
};

struct files {
    struct arena arena;
    struct file items[FILES_MAX];
    size_t count;
    char *detail;
};

/* An entry of one of the lists, and the file that has it. */
struct entry {
    const struct doc *doc;
    const struct file *file;
    const char *what; /* "user" */
    struct slice name;
};

enum err kube_config_say(enum err e, char detail[KUBE_DETAIL_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(detail, KUBE_DETAIL_MAX, format, args);
    va_end(args);
    return e;
}

static enum err refuse(struct files *f, const struct entry *entry, const char *what)
{
    return kube_config_say(ERR_INVALID, f->detail, "%s: %s '%.*s': %s", entry->file->path,
                           entry->what, SLICE_ARG(slice_sub(entry->name, 0, 80)), what);
}

/* ---- reading the files */

static enum err parse_file(struct files *f, struct file *file)
{
    struct doc_list list;
    struct doc_error why;
    char *text;
    enum err e = kube_config_read(file->path, &text, f->detail);
    if (e)
        return e;
    e = doc_yaml_parse(slice_from_cstr(text), &f->arena, &list, &why);
    explicit_bzero(text, strlen(text));
    mem_free(text);
    if (e)
        return kube_config_say(e, f->detail, "%s:%u: %s", file->path, why.line, why.text);
    if (list.count != 1 || list.items[0]->type != DOC_OBJECT)
        return kube_config_say(ERR_SYNTAX, f->detail, "%s: is not a kubeconfig", file->path);
    file->doc = list.items[0];
    return ERR_OK;
}

static enum err open_files(struct files *f, const char *paths, bool is_list)
{
    struct slice rest = slice_from_cstr(paths), part = rest;
    bool more = !is_list || slice_split(&rest, ':', &part);
    while (more) {
        char *path = mem_strndup(part.ptr, part.len);
        if (part.len == 0 || (is_list && !file_has_name(path))) {
            mem_free(path);
        } else if (f->count == FILES_MAX) {
            mem_free(path);
            return kube_config_say(ERR_LIMIT, f->detail, "KUBECONFIG names more than %d files",
                                   FILES_MAX);
        } else {
            struct file *file = &f->items[f->count++];
            file->path = path;
            enum err e = parse_file(f, file);
            if (e)
                return e;
        }
        more = is_list && slice_split(&rest, ':', &part);
    }
    if (f->count == 0)
        return kube_config_say(ERR_NOT_FOUND, f->detail, "KUBECONFIG: none of the files exists: %s",
                               paths);
    return ERR_OK;
}

static void close_files(struct files *f)
{
    for (size_t i = 0; i < f->count; i++)
        mem_free(f->items[i].path);
    arena_dispose(&f->arena);
}

/* ---- finding entries */

/* `{name: …, <what>: {…}}` in the list `plural` of the first file that has it. */
static enum err find_entry(struct files *f, const char *plural, const char *what, struct slice name,
                           struct entry *out)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct doc *list = doc_get(f->items[i].doc, slice_from_cstr(plural));
        for (size_t k = 0; list && list->type == DOC_ARRAY && k < list->count; k++) {
            const struct doc *item = list->items[k];
            if (!slice_eq(doc_string(doc_get(item, SLICE("name"))), name))
                continue;
            *out = (struct entry){doc_get(item, slice_from_cstr(what)), &f->items[i], what, name};
            if (out->doc && out->doc->type == DOC_OBJECT)
                return ERR_OK;
            return refuse(f, out, "is empty");
        }
    }
    return kube_config_say(ERR_NOT_FOUND, f->detail, "%s: there is no %s '%.*s'", f->items[0].path,
                           what, SLICE_ARG(slice_sub(name, 0, 80)));
}

static bool has(const struct entry *entry, const char *key)
{
    const struct doc *d = doc_get(entry->doc, slice_from_cstr(key));
    return d && d->type != DOC_NULL && !(d->type == DOC_STRING && d->string.len == 0);
}

static struct slice text_of(const struct entry *entry, const char *key)
{
    return doc_string(doc_get(entry->doc, slice_from_cstr(key)));
}

static char *copy(struct slice s)
{
    return mem_strndup(s.ptr ? s.ptr : "", s.len);
}

/* Relative paths are meant from the kubeconfig's own folder. */
static char *path_of(const struct entry *entry, struct slice path)
{
    const char *own = entry->file->path, *slash = strrchr(own, '/');
    if (path.ptr[0] == '/' || !slash)
        return copy(path);
    return mem_printf("%.*s/%.*s", (int)(slash - own), own, SLICE_ARG(path));
}

/* `<key>-data` in base64, or the file that `<key>` names; *out stays NULL when there is neither. */
static enum err take_pem(struct files *f, const struct entry *entry, const char *key, char **out)
{
    char data_key[64], why[128];
    snprintf(data_key, sizeof(data_key), "%s-data", key);
    if (has(entry, data_key)) {
        struct slice data = text_of(entry, data_key);
        size_t len;
        *out = mem_zalloc(BASE64_DECODED_MAX(data.len) + 1);
        if (data.len && base64_decode(data, *out, &len) == ERR_OK && strlen(*out) == len)
            return ERR_OK;
        snprintf(why, sizeof(why), "%s is not base64 of a text", data_key);
        return refuse(f, entry, why);
    }
    if (!has(entry, key))
        return ERR_OK;
    if (!text_of(entry, key).len) {
        snprintf(why, sizeof(why), "%s is not a path", key);
        return refuse(f, entry, why);
    }
    char *path = path_of(entry, text_of(entry, key));
    enum err e = kube_config_read(path, out, f->detail);
    mem_free(path);
    return e;
}

/* ---- the cluster */

static enum err split_port(struct slice authority, struct slice *host, uint64_t *port)
{
    size_t colon = slice_find_byte(authority, ':');
    *port = HTTPS_PORT;
    if (authority.len && authority.ptr[0] == '[') {
        size_t end = slice_find_byte(authority, ']');
        if (end == authority.len)
            return ERR_SYNTAX;
        *host = slice_sub(authority, 1, end - 1);
        colon = end + 1;
    } else {
        *host = slice_sub(authority, 0, colon);
    }
    if (colon < authority.len &&
        (authority.ptr[colon] != ':' ||
         slice_to_u64(slice_sub(authority, colon + 1, authority.len), port)))
        return ERR_SYNTAX;
    return host->len && *port && *port <= UINT16_MAX ? ERR_OK : ERR_SYNTAX;
}

static enum err take_server(struct files *f, const struct entry *cluster, struct kube_config *out)
{
    struct slice url = text_of(cluster, "server"), host;
    uint64_t port;
    if (slice_starts_with(url, SLICE("http://")))
        return refuse(f, cluster, "server is http://: only https:// is spoken");
    if (!slice_starts_with(url, SLICE("https://")))
        return refuse(f, cluster, "server is not an https:// URL");
    struct slice rest = slice_sub(url, 8, url.len);
    struct slice authority = slice_sub(rest, 0, slice_find_byte(rest, '/'));
    struct slice prefix = slice_sub(rest, authority.len, rest.len);
    if (split_port(authority, &host, &port) || slice_find_byte(url, '@') < url.len ||
        slice_find_byte(url, '?') < url.len || slice_find_byte(url, '#') < url.len)
        return refuse(f, cluster, "server is not an https:// URL");
    while (prefix.len && prefix.ptr[prefix.len - 1] == '/')
        prefix.len--;
    out->host = copy(host);
    out->port = (uint16_t)port;
    out->path_prefix = copy(prefix);
    out->server_name =
        has(cluster, "tls-server-name") ? copy(text_of(cluster, "tls-server-name")) : copy(host);
    return ERR_OK;
}

static enum err take_cluster(struct files *f, const struct entry *cluster, struct kube_config *out)
{
    const struct doc *insecure = doc_get(cluster->doc, SLICE("insecure-skip-tls-verify"));
    if (insecure && insecure->type != DOC_NULL &&
        !(insecure->type == DOC_BOOL && !insecure->boolean))
        return refuse(f, cluster,
                      "insecure-skip-tls-verify would trust any server: name a "
                      "certificate-authority instead");
    if (has(cluster, "proxy-url"))
        return refuse(f, cluster, "proxy-url is not supported");
    enum err e = take_server(f, cluster, out);
    if (!e)
        e = take_pem(f, cluster, "certificate-authority", &out->roots_pem);
    if (!e && !out->roots_pem)
        e = refuse(f, cluster, "there is no certificate-authority to verify the server with");
    return e;
}

/* ---- the user */

static enum err take_user(struct files *f, const struct entry *user, struct kube_config *out)
{
    static const char *const refused[][2] = {
        {"exec", "exec plug-ins are not run: use a token or a client certificate"},
        {"auth-provider", "auth-provider is not supported: use a token or a client certificate"},
        {"username", "a user name and password are not supported"},
        {"password", "a user name and password are not supported"},
        {"as", "impersonation is not supported"},
        {"as-uid", "impersonation is not supported"},
        {"as-groups", "impersonation is not supported"},
        {"as-user-extra", "impersonation is not supported"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (has(user, refused[i][0]))
            return refuse(f, user, refused[i][1]);
    }
    enum err e = take_pem(f, user, "client-certificate", &out->client_cert_pem);
    if (!e)
        e = take_pem(f, user, "client-key", &out->client_key_pem);
    if (!e && !out->client_cert_pem != !out->client_key_pem)
        e = refuse(f, user, "client-certificate and client-key belong together");
    if (e)
        return e;
    if (has(user, "tokenFile") && !text_of(user, "tokenFile").len)
        return refuse(f, user, "tokenFile is not a path");
    if (has(user, "token") && !text_of(user, "token").len)
        return refuse(f, user, "token is not a text");
    if (has(user, "tokenFile"))
        out->token_file = path_of(user, text_of(user, "tokenFile"));
    else if (has(user, "token"))
        out->token = copy(text_of(user, "token"));
    return ERR_OK;
}

static const char *wanted_context;

void kube_config_use_context(const char *name)
{
    wanted_context = name;
}

static enum err take_all(struct files *f, struct kube_config *out)
{
    struct slice name = slice_from_cstr(wanted_context ? wanted_context : "");
    struct entry context, cluster, user;
    for (size_t i = 0; i < f->count && !name.len; i++)
        name = doc_string(doc_get(f->items[i].doc, SLICE("current-context")));
    if (!name.len)
        return kube_config_say(ERR_INVALID, f->detail, "%s: current-context is not set",
                               f->items[0].path);
    enum err e = find_entry(f, "contexts", "context", name, &context);
    if (!e)
        e = find_entry(f, "clusters", "cluster", text_of(&context, "cluster"), &cluster);
    if (!e)
        e = take_cluster(f, &cluster, out);
    if (!e && has(&context, "user")) {
        e = find_entry(f, "users", "user", text_of(&context, "user"), &user);
        if (!e)
            e = take_user(f, &user, out);
    }
    if (!e && has(&context, "namespace"))
        out->namespace_name = copy(text_of(&context, "namespace"));
    return e;
}

enum err kube_config_file_load(const char *paths, bool is_list, struct kube_config *out,
                               char detail[KUBE_DETAIL_MAX])
{
    struct files f = {.detail = detail};
    arena_init(&f.arena, 4096);
    enum err e = open_files(&f, paths, is_list);
    if (!e)
        e = take_all(&f, out);
    close_files(&f);
    return e;
}
