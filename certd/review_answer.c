/* Reading TokenReview and Pod answers. The identity comes from the user name alone, as the API
 * server authenticated it; the pod that the token is bound to must agree. Pure. Must not know
 * requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/review_answer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"

enum { ARENA_BLOCK = 16384, LABEL_MAX = 63, NAME_MAX_LEN = 253 };

static enum err say(enum err e, char detail[REVIEW_DETAIL_MAX], const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum err say(enum err e, char detail[REVIEW_DETAIL_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(detail, REVIEW_DETAIL_MAX, format, args);
    va_end(args);
    return e;
}

void review_answer_dispose(struct review_caller *c)
{
    mem_free(c->namespace_name);
    mem_free(c->service_account);
    mem_free(c->pod_name);
    mem_free(c->pod_uid);
    *c = (struct review_caller){0};
}

bool review_answer_is_token(struct slice token)
{
    unsigned dots = 0;
    if (slice_is_empty(token) || token.len > REVIEW_TOKEN_MAX)
        return false;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        dots += c == '.';
        if (!isalnum((unsigned char)c) && c != '-' && c != '_' && c != '.')
            return false;
    }
    return dots == 2;
}

void review_answer_ask(struct slice token, const char *audience, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_field(&w, "apiVersion", SLICE("authentication.k8s.io/v1"));
    json_write_field(&w, "kind", SLICE("TokenReview"));
    json_write_key(&w, "spec");
    json_write_object(&w);
    json_write_field(&w, "token", token);
    json_write_key(&w, "audiences");
    json_write_array(&w);
    json_write_string(&w, slice_from_cstr(audience));
    json_write_array_end(&w);
    json_write_object_end(&w);
    json_write_object_end(&w);
}

/* ---- names */

/* A DNS label (dots: also several of them), as Kubernetes names things. */
static bool is_name(struct slice s, bool dots)
{
    if (slice_is_empty(s) || s.len > (dots ? NAME_MAX_LEN : LABEL_MAX))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool inner = i > 0 && i + 1 < s.len;
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && !(inner && (c == '-' || (dots && c == '.'))))
            return false;
    }
    return true;
}

/* "system:serviceaccount:<namespace>:<name>", nothing more and nothing less. */
static bool split_user(struct slice user, struct slice *namespace_name, struct slice *account)
{
    static const struct slice prefix = {"system:serviceaccount:", 22};
    if (!slice_starts_with(user, prefix))
        return false;
    struct slice rest = slice_sub(user, prefix.len, user.len);
    size_t colon = slice_find_byte(rest, ':');
    *namespace_name = slice_sub(rest, 0, colon);
    *account = slice_sub(rest, colon + 1, rest.len);
    return colon < rest.len && is_name(*namespace_name, false) && is_name(*account, true);
}

static bool contains(const struct doc *list, struct slice word)
{
    if (!list || list->type != DOC_ARRAY)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        if (slice_eq(doc_string(list->items[i]), word))
            return true;
    }
    return false;
}

/* A user's extra value: a list of exactly one. */
static struct slice extra(const struct doc *user, struct slice key)
{
    const struct doc *list = doc_get(doc_get(user, SLICE("extra")), key);
    if (!list || list->type != DOC_ARRAY || list->count != 1)
        return (struct slice){NULL, 0};
    return doc_string(list->items[0]);
}

static char *copy(struct slice s)
{
    return mem_strndup(s.ptr, s.len);
}

static enum err judge(const struct doc *status, const char *audience, struct review_caller *out,
                      char detail[REVIEW_DETAIL_MAX])
{
    const struct doc *good = doc_get(status, SLICE("authenticated"));
    const struct doc *user = doc_get(status, SLICE("user"));
    struct slice name = doc_string(doc_get(user, SLICE("username"))), ns, account;
    struct slice error = doc_string(doc_get(status, SLICE("error")));
    if (!good || good->type != DOC_BOOL || !good->boolean || error.len)
        return say(ERR_DENIED, detail, "the API server does not accept the token: %.*s",
                   error.len ? (int)(error.len < 120 ? error.len : 120) : 15,
                   error.len ? error.ptr : "no reason given");
    if (!contains(doc_get(status, SLICE("audiences")), slice_from_cstr(audience)))
        return say(ERR_DENIED, detail, "the token is not for the audience %s", audience);
    if (!split_user(name, &ns, &account) ||
        !contains(doc_get(user, SLICE("groups")), SLICE("system:serviceaccounts")))
        return say(ERR_DENIED, detail, "the token is not a service account's, but '%.*s'",
                   (int)(name.len < 100 ? name.len : 100), name.len ? name.ptr : "");
    struct slice pod = extra(user, SLICE("authentication.kubernetes.io/pod-name"));
    struct slice uid = extra(user, SLICE("authentication.kubernetes.io/pod-uid"));
    if (!is_name(pod, true) || slice_is_empty(uid))
        return say(ERR_DENIED, detail, "the token of %.*s/%.*s is not bound to a pod", (int)ns.len,
                   ns.ptr, (int)(account.len < 80 ? account.len : 80), account.ptr);
    *out = (struct review_caller){copy(ns), copy(account), copy(pod), copy(uid)};
    return ERR_OK;
}

static enum err parse(struct slice body, const char *kind, struct arena *arena,
                      const struct doc **out, char detail[REVIEW_DETAIL_MAX])
{
    struct doc_error why;
    if (doc_json_parse(body, arena, out, &why))
        return say(ERR_SYNTAX, detail, "the API server's answer is no JSON: %.100s", why.text);
    /* A Pod that was asked for comes with its kind; whatever else this is, it is not that. */
    if (!slice_eq_cstr(doc_string(doc_get(*out, SLICE("kind"))), kind))
        return say(ERR_SYNTAX, detail, "the API server's answer is no %s", kind);
    return ERR_OK;
}

enum err review_answer_read(struct slice body, const char *audience, struct review_caller *out,
                            char detail[REVIEW_DETAIL_MAX])
{
    struct arena arena;
    const struct doc *root;
    *out = (struct review_caller){0};
    arena_init(&arena, ARENA_BLOCK);
    enum err e = parse(body, "TokenReview", &arena, &root, detail);
    if (!e)
        e = judge(doc_get(root, SLICE("status")), audience, out, detail);
    arena_dispose(&arena);
    return e;
}

/* ---- the pod */

static enum err check_address(const struct doc *pod, const struct addr *peer,
                              char detail[REVIEW_DETAIL_MAX])
{
    const struct doc *host = doc_find(pod, "spec.hostNetwork");
    bool on_host = host && host->type == DOC_BOOL && host->boolean;
    const struct doc *ips = doc_find(pod, on_host ? "status.hostIPs" : "status.podIPs");
    if (!ips || ips->type != DOC_ARRAY || ips->count == 0)
        return say(ERR_AGAIN, detail, "the pod's address is not known yet");
    for (size_t i = 0; i < ips->count; i++) {
        struct addr ip;
        struct slice text = doc_string(doc_get(ips->items[i], SLICE("ip")));
        if (addr_parse(text, &ip) == ERR_OK && addr_eq_ip(&ip, peer))
            return ERR_OK;
    }
    return say(ERR_DENIED, detail, "the token's pod has another address than the caller");
}

static enum err check_pod(const struct doc *pod, const struct review_caller *caller,
                          const struct addr *peer, char detail[REVIEW_DETAIL_MAX])
{
    struct slice phase = doc_string(doc_find(pod, "status.phase"));
    if (!slice_eq_cstr(doc_string(doc_find(pod, "metadata.namespace")), caller->namespace_name) ||
        !slice_eq_cstr(doc_string(doc_find(pod, "metadata.name")), caller->pod_name))
        return say(ERR_SYNTAX, detail, "the API server answered with another pod");
    if (!slice_eq_cstr(doc_string(doc_find(pod, "metadata.uid")), caller->pod_uid))
        return say(ERR_DENIED, detail, "the token is of an earlier pod %s/%s",
                   caller->namespace_name, caller->pod_name);
    if (!slice_eq_cstr(doc_string(doc_find(pod, "spec.serviceAccountName")),
                       caller->service_account))
        return say(ERR_DENIED, detail, "the pod %s/%s has another service account than its token",
                   caller->namespace_name, caller->pod_name);
    if (slice_eq(phase, SLICE("Succeeded")) || slice_eq(phase, SLICE("Failed")))
        return say(ERR_DENIED, detail, "the pod %s/%s is over", caller->namespace_name,
                   caller->pod_name);
    return peer ? check_address(pod, peer, detail) : ERR_OK;
}

enum err review_answer_check_pod(struct slice body, const struct review_caller *caller,
                                 const struct addr *peer, char detail[REVIEW_DETAIL_MAX])
{
    struct arena arena;
    const struct doc *root;
    arena_init(&arena, ARENA_BLOCK);
    enum err e = parse(body, "Pod", &arena, &root, detail);
    if (!e)
        e = check_pod(root, caller, peer, detail);
    arena_dispose(&arena);
    return e;
}
