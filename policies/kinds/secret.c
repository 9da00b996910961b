/* The table of Secret, and the unwrapping of a TLS one. Control thread. Its values never appear
 * in a message. Must not know which Gateway uses it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/secret.h"

#include "lib/codec/text/base64.h"
#include "lib/tls/tls_ctx.h"
#include "policies/kinds/selector.h"

static const struct schema_field value_element = {.type = SCHEMA_STRING, .max = 2 << 20};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    SCHEMA_FIELD(struct secret, type, "type", STRING, "What the secret is for.", .text = "Opaque"),
    SCHEMA_FIELD(struct secret, data, "data", MAP, "Values in Base64.", .element = &value_element),
    SCHEMA_FIELD(struct secret, string_data, "stringData", MAP,
                 "Values as they are; win over data.", .element = &value_element),
    {0},
};

/* The value of that key, decoded into the run's arena; NULL ptr when it is not usable, which is
 * said. */
static struct slice read_value(struct schema_run *run, const struct doc *node,
                               const struct secret *s, const char *key)
{
    struct slice plain = selector_label(&s->string_data, slice_from_cstr(key));
    if (plain.ptr)
        return plain;
    struct slice coded = selector_label(&s->data, slice_from_cstr(key));
    if (!coded.ptr) {
        schema_error(run, node, "data", "a Secret of type kubernetes.io/tls needs %s", key);
        return coded;
    }
    char *bytes = arena_alloc(run->arena, BASE64_DECODED_MAX(coded.len));
    size_t len;
    if (base64_decode(coded, bytes, &len)) {
        schema_error(run, node, "data", "%s is not Base64", key);
        return (struct slice){NULL, 0};
    }
    return slice_of(bytes, len);
}

/* Whoever refers to it says what is wrong with it. */
static struct slice read_authority(struct arena *arena, const struct secret *s)
{
    struct slice plain = selector_label(&s->string_data, SLICE("ca.crt"));
    struct slice coded = selector_label(&s->data, SLICE("ca.crt"));
    if (plain.ptr || !coded.ptr)
        return plain;
    char *bytes = arena_alloc(arena, BASE64_DECODED_MAX(coded.len));
    size_t len;
    bool good = base64_decode(coded, bytes, &len) == ERR_OK && !memchr(bytes, 0, len);
    return good ? slice_of(bytes, len) : (struct slice){NULL, 0};
}

static bool has(struct slice text, const char *needle)
{
    return slice_find(text, slice_from_cstr(needle)) < text.len;
}

/* What is kept under version control has no keys: "(the key)", "<key>", "${KEY}" stand for them. */
static bool is_placeholder(struct slice pem)
{
    size_t begin = slice_find(pem, SLICE("-----\n"));
    struct slice body = slice_trim(slice_sub(pem, begin + 6, pem.len));
    return body.len && memchr("(<[{$", body.ptr[0], 5);
}

/* A Secret that nobody uses may be as broken as it likes; who refers to it says what is wrong. */
static struct slice find_flaw(struct arena *arena, struct slice chain, struct slice key)
{
    static const char *const alpn[] = {NULL};
    struct slice any = SLICE("*");
    struct tls_public_cert cert = {chain, key, &any, 1};
    struct tls_public_config config = {.certs = &cert, .cert_count = 1, .alpn = alpn};
    char detail[TLS_DETAIL_MAX] = "";
    struct tls_ctx *trial = NULL;
    if (!tls_lib_init() && !tls_ctx_create_public(&config, &trial, detail)) {
        tls_ctx_unref(trial);
        return SLICE("");
    }
    return arena_copy(arena, slice_from_cstr(*detail ? detail : "it cannot be used"));
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    struct secret *s = value;
    s->ca_pem = read_authority(run->arena, s);
    if (!slice_eq_cstr(s->type, "kubernetes.io/tls"))
        return;
    struct slice chain = read_value(run, node, s, "tls.crt");
    struct slice key = read_value(run, node, s, "tls.key");
    if (chain.ptr &&
        (!has(chain, "-----BEGIN CERTIFICATE-----") || memchr(chain.ptr, 0, chain.len)))
        schema_error(run, node, "data", "tls.crt is not a certificate in PEM");
    if (key.ptr && (!has(key, "PRIVATE KEY-----") || memchr(key.ptr, 0, key.len)))
        schema_error(run, node, "data", "tls.key is not a private key in PEM");
    s->cert_chain_pem = chain;
    s->key_pem = key;
    s->is_placeholder = is_placeholder(chain) || is_placeholder(key);
    if (s->is_placeholder)
        s->flaw = SLICE("it holds a placeholder instead of a certificate and its key");
    else if (chain.ptr && key.ptr)
        s->flaw = find_flaw(run->arena, chain, key);
}

const struct schema secret_kind_schema = {
    .name = "Secret",
    .size = sizeof(struct secret),
    .fields = fields,
    .is_open = true,
    .check = check,
};
