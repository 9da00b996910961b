/* Any message of config.proto as JSON, by its descriptor, so that no field is ever forgotten. Main
 * thread. Must not know what the messages mean, but for what is secret.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/show/config_json.h"

#include <stdio.h>

#include "policies/compile/config_field.h"

static void write_message(const ProtobufCMessage *message, struct json_write *w);

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
    if (config_field_is_secret(f)) {
        json_write_string(w, SLICE("(not shown)"));
        return;
    }
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        write_message(*(const ProtobufCMessage *const *)value, w);
        return;
    case PROTOBUF_C_TYPE_STRING:
        json_write_string(w, slice_from_cstr(*(const char *const *)value));
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

static void write_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *f,
                        struct json_write *w)
{
    bool is_list = f->label == PROTOBUF_C_LABEL_REPEATED;
    const char *values;
    size_t stride, count = config_field_values(message, f, &values, &stride);
    if (count == 0)
        return;
    json_write_key(w, f->name);
    if (is_list)
        json_write_array(w);
    for (size_t i = 0; i < count; i++)
        write_value(f, values + i * stride, w);
    if (is_list)
        json_write_array_end(w);
}

static void write_message(const ProtobufCMessage *message, struct json_write *w)
{
    json_write_object(w);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        write_field(message, &message->descriptor->fields[i], w);
    json_write_object_end(w);
}

void config_json_write(const Weft__Config__V1__Configuration *configuration, struct json_write *w)
{
    write_message(&configuration->base, w);
}
