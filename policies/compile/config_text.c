/* Any message of config.proto as text, by its descriptor, so that no field is ever forgotten.
 * Any thread. Must not know what the messages mean, but for what is secret.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/config_text.h"

#include <stdio.h>

enum { INDENT = 2 };

static void put(struct buf *to, const char *text)
{
    buf_append(to, text, strlen(text));
}

static void put_indent(struct buf *to, unsigned indent)
{
    for (unsigned i = 0; i < indent; i++)
        buf_append(to, "  ", INDENT);
}

static void put_quoted(struct buf *to, const char *text)
{
    put(to, "\"");
    for (; *text; text++) {
        char escaped[8];
        unsigned char c = (unsigned char)*text;
        if (c == '\n')
            put(to, "\\n");
        else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
            snprintf(escaped, sizeof escaped, c == '"' || c == '\\' ? "\\%c" : "\\x%02x", c);
            put(to, escaped);
        } else {
            buf_append(to, text, 1);
        }
    }
    put(to, "\"");
}

static bool is_secret(const ProtobufCFieldDescriptor *f)
{
    return slice_ends_with(slice_from_cstr(f->name), SLICE("key_pem"));
}

static void put_scalar(const ProtobufCFieldDescriptor *f, const void *value, struct buf *to)
{
    char text[32];
    const ProtobufCEnumValue *name;
    switch (f->type) {
    case PROTOBUF_C_TYPE_BYTES:
        put(to, "(not shown)"); /* nothing else is bytes */
        return;
    case PROTOBUF_C_TYPE_STRING:
        if (is_secret(f))
            put(to, "(not shown)");
        else
            put_quoted(to, *(const char *const *)value);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        put(to, *(const protobuf_c_boolean *)value ? "true" : "false");
        return;
    case PROTOBUF_C_TYPE_ENUM:
        name = protobuf_c_enum_descriptor_get_value(f->descriptor, *(const int *)value);
        put(to, name ? name->name : "?");
        return;
    case PROTOBUF_C_TYPE_UINT64:
        snprintf(text, sizeof text, "%016llx", (unsigned long long)*(const uint64_t *)value);
        break;
    default:
        snprintf(text, sizeof text, "%u", *(const uint32_t *)value);
    }
    put(to, text);
}

static void put_field(const ProtobufCFieldDescriptor *f, const void *value, unsigned indent,
                      struct buf *to)
{
    put_indent(to, indent);
    put(to, f->name);
    if (f->type != PROTOBUF_C_TYPE_MESSAGE) {
        put(to, ": ");
        put_scalar(f, value, to);
        put(to, "\n");
        return;
    }
    put(to, " {\n");
    config_text_write_message(*(const ProtobufCMessage *const *)value, indent + 1, to);
    put_indent(to, indent);
    put(to, "}\n");
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

void config_text_write_message(const ProtobufCMessage *message, unsigned indent, struct buf *to)
{
    const char *base = (const char *)message;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &message->descriptor->fields[i];
        const void *value = base + f->offset;
        const void *count = base + f->quantifier_offset;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            const char *items = *(const char *const *)value;
            for (size_t j = 0; j < *(const size_t *)count; j++)
                put_field(f, items + j * size_of(f->type), indent, to);
        } else if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
            if (*(const uint32_t *)count == f->id)
                put_field(f, value, indent, to);
        } else if (!is_default(f, value)) {
            put_field(f, value, indent, to);
        }
    }
}

void config_text_write(const Weft__Config__V1__Configuration *configuration, struct buf *to)
{
    config_text_write_message(&configuration->base, 0, to);
}
