/* Who we are to the API server when we run in a pod, and which of the places to ask. The files that
 * people write are kube_config_file.c's. Blocking, before or beside loops. Must not know
 * connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_config.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/kube/kube_config_priv.h"

enum { NAME_MAX_LEN = 253 };

static const char account_dir[] = "/var/run/secrets/kubernetes.io/serviceaccount";

enum err kube_config_read(const char *path, char **out, char detail[KUBE_DETAIL_MAX])
{
    size_t len;
    enum err e = file_read(path, KUBE_CONFIG_FILE_MAX, out, &len);
    if (e)
        return kube_config_say(e, detail, "%s: %s", path, err_text(e));
    if (strlen(*out) != len || len == 0) {
        mem_free(*out);
        *out = NULL;
        return kube_config_say(ERR_SYNTAX, detail, "%s: %s", path,
                               len ? "holds a NUL byte" : "is empty");
    }
    return ERR_OK;
}

/* "\n" and spaces that editors and echo leave behind. */
static void trim_end(char *text)
{
    size_t len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
}

static enum err load_pod(const char *host, struct kube_config *out, char detail[KUBE_DETAIL_MAX])
{
    const char *dir = getenv("WEFT_SERVICE_ACCOUNT_DIR");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    uint64_t number;
    if (!dir || !*dir)
        dir = account_dir;
    if (slice_to_u64(slice_from_cstr(port), &number) || number == 0 || number > UINT16_MAX)
        return kube_config_say(ERR_INVALID, detail,
                               "KUBERNETES_SERVICE_PORT is not a port: '%.40s'", port ? port : "");
    char *roots = mem_printf("%s/ca.crt", dir), *name = mem_printf("%s/namespace", dir);
    out->host = mem_strdup(host);
    out->server_name = mem_strdup(host);
    out->port = (uint16_t)number;
    out->path_prefix = mem_strdup("");
    out->token_file = mem_printf("%s/token", dir);
    enum err e = kube_config_read(roots, &out->roots_pem, detail);
    if (!e && file_has_name(name))
        e = kube_config_read(name, &out->namespace_name, detail);
    if (!e && out->namespace_name)
        trim_end(out->namespace_name);
    mem_free(roots);
    mem_free(name);
    return e;
}

/* $KUBECONFIG, the pod's account, ~/.kube/config, in this order. */
static enum err load_found(struct kube_config *out, char detail[KUBE_DETAIL_MAX])
{
    const char *files = getenv("KUBECONFIG"), *pod = getenv("KUBERNETES_SERVICE_HOST");
    const char *home = getenv("HOME");
    if (files && *files)
        return kube_config_file_load(files, true, out, detail);
    if (pod && *pod)
        return load_pod(pod, out, detail);
    char *path = mem_printf("%s/.kube/config", home ? home : "");
    enum err e = file_has_name(path)
                     ? kube_config_file_load(path, false, out, detail)
                     : kube_config_say(ERR_NOT_FOUND, detail,
                                       "no Kubernetes to talk to: not in a pod, KUBECONFIG is not "
                                       "set, and there is no %s",
                                       path);
    mem_free(path);
    return e;
}

enum err kube_config_load(const char *path, struct kube_config *out, char detail[KUBE_DETAIL_MAX])
{
    *out = (struct kube_config){0};
    detail[0] = '\0';
    enum err e = path ? kube_config_file_load(path, false, out, detail) : load_found(out, detail);
    if (!e && (!out->namespace_name || !*out->namespace_name)) {
        mem_free(out->namespace_name);
        out->namespace_name = mem_strdup("default");
    }
    if (!e && strlen(out->namespace_name) > NAME_MAX_LEN)
        e = kube_config_say(ERR_INVALID, detail, "the namespace's name is too long");
    if (e)
        kube_config_dispose(out);
    return e;
}

/* Keys and tokens do not stay behind in freed memory. */
static void drop_secret(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    mem_free(secret);
}

void kube_config_dispose(struct kube_config *c)
{
    mem_free(c->host);
    mem_free(c->path_prefix);
    mem_free(c->server_name);
    mem_free(c->roots_pem);
    mem_free(c->client_cert_pem);
    drop_secret(c->client_key_pem);
    drop_secret(c->token);
    mem_free(c->token_file);
    mem_free(c->namespace_name);
    *c = (struct kube_config){0};
}
