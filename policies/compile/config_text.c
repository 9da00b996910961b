/* Any message of config.proto as text, by its descriptor, so that no field is ever forgotten.
 * Any thread. Must not know what the messages mean, but for what is secret.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/config_text.h"

#include <stdio.h>

#include "policies/compile/config_field.h"

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

static void put_scalar(const ProtobufCFieldDescriptor *f, const void *value, struct buf *to)
{
    char text[32];
    const ProtobufCEnumValue *name;
    if (config_field_is_secret(f)) {
        put(to, "(not shown)");
        return;
    }
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
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

void config_text_write_message(const ProtobufCMessage *message, unsigned indent, struct buf *to)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &message->descriptor->fields[i];
        const char *values;
        size_t stride, count = config_field_values(message, f, &values, &stride);
        for (size_t j = 0; j < count; j++)
            put_field(f, values + j * stride, indent, to);
    }
}

void config_text_write(const Weft__Config__V1__Configuration *configuration, struct buf *to)
{
    config_text_write_message(&configuration->base, 0, to);
}
