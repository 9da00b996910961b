/* Any message of config.proto as JSON, by its descriptor, so that no field is ever forgotten. Main
 * thread. Must not know what the messages mean, but for what is secret.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/show/config_json.h"

#include <stdio.h>

static void write_message(const ProtobufCMessage *message, struct json_write *w);

static bool is_secret(const ProtobufCFieldDescriptor *f)
{
    struct slice name = slice_from_cstr(f->name);
    return slice_ends_with(name, SLICE("key_pem"));
}

/* Versions are hashes: as text, since JSON's numbers would lose the last digits. */
static void write_hash(uint64_t value, struct json_write *w)
{
    char text[20];
    int len = snprintf(text, sizeof(text), "%016llx", (unsigned long long)value);
    json_write_string(w, slice_of(text, (size_t)len));
}

static void write_value(const ProtobufCFieldDescriptor *f, const void *value, struct json_write *w)
{
    const ProtobufCEnumValue *name;
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        write_message(*(const ProtobufCMessage *const *)value, w);
        return;
    case PROTOBUF_C_TYPE_BYTES: /* secrets only */
        json_write_string(w, SLICE("(not shown)"));
        return;
    case PROTOBUF_C_TYPE_STRING:
        json_write_string(w, is_secret(f) ? SLICE("(not shown)")
                                          : slice_from_cstr(*(const char *const *)value));
        return;
    case PROTOBUF_C_TYPE_BOOL:
        json_write_bool(w, *(const protobuf_c_boolean *)value);
        return;
    case PROTOBUF_C_TYPE_ENUM:
        name = protobuf_c_enum_descriptor_get_value(f->descriptor, *(const int *)value);
        json_write_string(w, slice_from_cstr(name ? name->name : "?"));
        return;
    case PROTOBUF_C_TYPE_UINT64:
        write_hash(*(const uint64_t *)value, w);
        return;
    default:
        json_write_i64(w, *(const uint32_t *)value);
    }
}

static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_UINT64:
        return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    default:
        return sizeof(uint32_t);
    }
}

/* proto3 leaves out what has its default. */
static bool is_default(const ProtobufCFieldDescriptor *f, const void *value)
{
    static const char zero[sizeof(uint64_t)];
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return !*(const void *const *)value;
    if (f->type == PROTOBUF_C_TYPE_STRING)
        return !**(const char *const *)value;
    return memcmp(value, zero, size_of(f->type)) == 0;
}

static void write_list(const ProtobufCFieldDescriptor *f, const char *items, size_t count,
                       struct json_write *w)
{
    json_write_key(w, f->name);
    json_write_array(w);
    for (size_t i = 0; i < count; i++)
        write_value(f, items + i * size_of(f->type), w);
    json_write_array_end(w);
}

static void write_message(const ProtobufCMessage *message, struct json_write *w)
{
    const char *base = (const char *)message;
    json_write_object(w);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &message->descriptor->fields[i];
        const void *value = base + f->offset, *count = base + f->quantifier_offset;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            if (*(const size_t *)count)
                write_list(f, *(const char *const *)value, *(const size_t *)count, w);
            continue;
        }
        bool is_set = f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? *(const uint32_t *)count == f->id
                                                             : !is_default(f, value);
        if (is_set) {
            json_write_key(w, f->name);
            write_value(f, value, w);
        }
    }
    json_write_object_end(w);
}

void config_json_write(const Weft__Config__V1__Configuration *configuration, struct json_write *w)
{
    write_message(&configuration->base, w);
}
