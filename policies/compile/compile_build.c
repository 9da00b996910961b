/* Messages in the arena of the result: new ones, growing lists, texts, and resources with their
 * versions. Control thread. Must not know what is compiled.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"
#include "policies/kinds/external_service.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mem.h"

void *compile_build_message(struct compile *c, const ProtobufCMessageDescriptor *descriptor)
{
    void *message = arena_alloc(c->arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    return message;
}

/* Full at every power of two: no capacity need be kept. */
void *compile_build_grow(struct compile *c, void *items, size_t count, size_t size)
{
    if (count & (count - 1))
        return items;
    void *bigger = arena_alloc(c->arena, (count ? count * 2 : 1) * size);
    if (count)
        memcpy(bigger, items, count * size);
    return bigger;
}

char *compile_build_text(struct compile *c, struct slice text)
{
    return arena_strdup(c->arena, text);
}

char *compile_build_lower(struct compile *c, struct slice text)
{
    char *copy = arena_strdup(c->arena, text);
    slice_lower(text, copy);
    return copy;
}

char *compile_build_format(struct compile *c, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t kept = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    return arena_strdup(c->arena, slice_of(text, kept));
}

static uint64_t version_of(unsigned which, const ProtobufCMessage *body)
{
    size_t len = protobuf_c_message_get_packed_size(body);
    uint8_t *packed = mem_alloc(len + 1);
    protobuf_c_message_pack(body, packed);
    uint64_t hash = slice_hash(slice_of(packed, len));
    mem_free(packed);
    return (hash ^ which) * UINT64_C(0x9e3779b97f4a7c15);
}

void compile_build_resource(struct compile *c, const char *name, PB(Resource__BodyCase) which,
                            void *body)
{
    PB(Resource) *r = PB_NEW(c, Resource, resource);
    r->name = compile_build_text(c, slice_from_cstr(name));
    r->version = version_of((unsigned)which, body);
    r->body_case = which;
    r->mesh = body; /* the members of the union are pointers all */
    PB_PUSH(c, c->out, resources, r);
}

void compile_build_note(struct compile *c, const struct object *o, unsigned line, const char *path,
                        enum finding finding, const char *format, ...)
{
    char text[600];
    va_list args;
    if (!c->notes)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    policy_set_complain(c->notes, o, line, true, path, finding, "%s", text);
}

char *compile_build_service(struct compile *c, const struct service *s)
{
    if (external_service_is(s))
        return compile_build_format(c, "%.*s.%.*s", SLICE_ARG(s->object.meta.name),
                                    SLICE_ARG(s->object.meta.namespace_name));
    return compile_build_format(c, "%.*s.%.*s.svc.%.*s", SLICE_ARG(s->object.meta.name),
                                SLICE_ARG(s->object.meta.namespace_name),
                                SLICE_ARG(c->cluster_domain));
}

char *compile_build_spiffe(struct compile *c, struct slice namespace_name, struct slice account)
{
    return compile_build_format(c, "spiffe://%.*s/ns/%.*s/sa/%.*s", SLICE_ARG(c->trust_domain),
                                SLICE_ARG(namespace_name), SLICE_ARG(account));
}
