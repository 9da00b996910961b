/* Secret documents into the CA's material and back. Writing uses stringData, which the API server
 * turns into data; what others put beside our entries stays. Pure. Must not know what makes a good
 * CA.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca_secret.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/codec/text/base64.h"
#include "lib/kube/kube_time.h"
#include "lib/tls/digest.h"

struct entry {
    const char *name;
    size_t offset;
};

static const struct entry entries[] = {
    {"root.pem", offsetof(struct ca_material, root_pem)},
    {"root.key", offsetof(struct ca_material, root_key)},
    {"intermediate.pem", offsetof(struct ca_material, signer_pem)},
    {"intermediate.key", offsetof(struct ca_material, signer_key)},
    {"bundle.version", offsetof(struct ca_material, version)},
};
enum { ENTRY_COUNT = sizeof(entries) / sizeof(entries[0]) };

static enum err decode(struct slice text, char **out)
{
    size_t len = 0, room = BASE64_DECODED_MAX(text.len) + 1;
    char *bytes = mem_alloc(room);
    enum err e = base64_decode(text, bytes, &len);
    if (!e && memchr(bytes, 0, len))
        e = ERR_SYNTAX;
    if (e || len == 0) {
        digest_wipe(bytes, room);
        mem_free(bytes);
        return e;
    }
    bytes[len] = 0;
    *out = bytes;
    return ERR_OK;
}

enum err ca_secret_read(const struct doc *secret, struct ca_material *out,
                        char detail[CA_DETAIL_MAX])
{
    const struct doc *data = doc_get(secret, SLICE("data"));
    *out = (struct ca_material){0};
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        const struct doc *value = doc_get(data, slice_from_cstr(entries[i].name));
        char **field = (char **)((char *)out + entries[i].offset);
        if (!value || value->type == DOC_NULL)
            continue;
        if (value->type == DOC_STRING && decode(doc_string(value), field) == ERR_OK)
            continue;
        ca_material_dispose(out);
        return ca_say(ERR_SYNTAX, detail, "%s: not base64 of a text", entries[i].name);
    }
    return ERR_OK;
}

static void write_entries(struct json_write *w, const struct ca_material *m)
{
    json_write_key(w, "stringData");
    json_write_object(w);
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        const char *value = *(char *const *)((const char *)m + entries[i].offset);
        if (value)
            json_write_field(w, entries[i].name, slice_from_cstr(value));
    }
    json_write_object_end(w);
}

static void write_note(struct json_write *w, const struct ca_secret_note *note)
{
    char at[KUBE_TIME_TEXT_MAX];
    if (!note->how)
        return;
    json_write_key(w, "annotations");
    json_write_object(w);
    json_write_field(w, CA_SECRET_REPLACED, slice_from_cstr(note->how));
    json_write_field(w, CA_SECRET_REPLACED_AT, slice_from_cstr(kube_time_text(note->at_ms, at)));
    json_write_object_end(w);
}

void ca_secret_read_note(const struct doc *secret, struct ca_secret_note *out)
{
    static const char *const ways[] = {"lost", "replaced", "reinstalled"};
    const struct doc *notes = doc_find(secret, "metadata.annotations");
    struct slice how = doc_string(doc_get(notes, SLICE(CA_SECRET_REPLACED)));
    struct slice at = doc_string(doc_get(notes, SLICE(CA_SECRET_REPLACED_AT)));
    char text[KUBE_TIME_TEXT_MAX];
    struct tm day = {0};
    *out = (struct ca_secret_note){0};
    for (size_t i = 0; how.len && i < sizeof(ways) / sizeof(ways[0]); i++)
        if (slice_eq_cstr(how, ways[i]) || !out->how)
            out->how = ways[i]; /* a word that is not known is as bad as the worst */
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(at));
    if (out->how && strptime(text, "%Y-%m-%dT%H:%M:%S", &day))
        out->at_ms = (int64_t)timegm(&day) * 1000;
}

void ca_secret_write(struct slice namespace_name, struct slice name, const struct ca_material *m,
                     const struct ca_secret_note *note, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_field(&w, "apiVersion", SLICE("v1"));
    json_write_field(&w, "kind", SLICE("Secret"));
    json_write_key(&w, "metadata");
    json_write_object(&w);
    json_write_field(&w, "namespace", namespace_name);
    json_write_field(&w, "name", name);
    json_write_key(&w, "labels");
    json_write_object(&w);
    json_write_field(&w, "app.kubernetes.io/managed-by", SLICE("weft-certd"));
    json_write_object_end(&w);
    write_note(&w, note);
    json_write_object_end(&w);
    json_write_field(&w, "type", SLICE("Opaque"));
    write_entries(&w, m);
    json_write_object_end(&w);
}

void ca_secret_write_patch(struct slice resource_version, const struct ca_material *m,
                           const struct ca_secret_note *note, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, "metadata");
    json_write_object(&w);
    json_write_field(&w, "resourceVersion", resource_version);
    write_note(&w, note);
    json_write_object_end(&w);
    write_entries(&w, m);
    json_write_object_end(&w);
}
