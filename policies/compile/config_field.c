/* Reading messages by their descriptors, so that no field is ever forgotten. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/config_field.h"

#include <string.h>

#include "lib/base/slice.h"

bool config_field_is_secret(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_BYTES || /* nothing else is bytes */
           (f->type == PROTOBUF_C_TYPE_STRING &&
            slice_ends_with(slice_from_cstr(f->name), SLICE("key_pem")));
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
    static const char zero[sizeof(ProtobufCBinaryData)];
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return !*(const void *const *)value;
    if (f->type == PROTOBUF_C_TYPE_STRING)
        return !**(const char *const *)value;
    return memcmp(value, zero, size_of(f->type)) == 0;
}

size_t config_field_values(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *f,
                           const char **values, size_t *stride)
{
    const char *value = (const char *)message + f->offset;
    const void *quantifier = (const char *)message + f->quantifier_offset;
    *values = value;
    *stride = size_of(f->type);
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        *values = *(const char *const *)(const void *)value;
        return *(const size_t *)quantifier;
    }
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *)quantifier == f->id;
    return !is_default(f, value);
}
