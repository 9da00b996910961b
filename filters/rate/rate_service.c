/* Keys are called as Envoy's actions call them (remote_address, generic_key, …) unless users say
 * otherwise, so that a service's configuration can stay as it is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_service.h"

#include <inttypes.h>
#include <string.h>

#include "filters/ext_auth.h"
#include "filters/grpc_ask.h"
#include "lib/codec/doc/doc.h"
#include "lib/proto/rate_service.pb-c.h"
#include "lib/schema/schema_format.h"

#define METHOD SLICE("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit")
#define PB(name) Weft__RateService__##name

enum { CODE_OK = 1, CODE_OVER_LIMIT = 2 };

/* ---- what users write ---- */

struct entry_spec {
    int part;
    struct slice name, key, value;
};

struct descriptor_spec {
    struct schema_list entries; /* struct entry_spec */
};

static const char *const part_names[] = {"IP",    "Header",   "Path",  "Method",
                                         "Route", "Consumer", "Claim", "Value", NULL};

static const struct schema_field entry_fields[] = {
    SCHEMA_FIELD(struct entry_spec, part, "type", ENUM,
                 "`IP`: the client's address. `Header` and `Claim`: the value of one. `Path`: "
                 "without the query. `Method`. `Route`: its name. `Consumer`: who authenticated. "
                 "`Value`: always the same. Where there is none the descriptor is left out.",
                 .flags = SCHEMA_REQUIRED, .choices = part_names),
    SCHEMA_FIELD(struct entry_spec, name, "name", STRING, "Name of the header or claim.",
                 .min = 1, .max = 256),
    SCHEMA_FIELD(struct entry_spec, key, "key", STRING,
                 "What the service calls it. Without it remote_address, path, method, route, "
                 "consumer or generic_key, or the name of the header or claim.",
                 .min = 1, .max = 256),
    SCHEMA_FIELD(struct entry_spec, value, "value", STRING, "For Value.", .min = 1, .max = 256),
    {0},
};

static void check_entry(struct schema_run *run, const struct doc *node, void *value)
{
    const struct entry_spec *s = value;
    bool needs_name = s->part == RATE_SERVICE_HEADER || s->part == RATE_SERVICE_CLAIM;
    if (needs_name != (s->name.len > 0))
        schema_error(run, node, "name", "is required for Header and Claim, and for these only");
    else if (s->part == RATE_SERVICE_HEADER && !schema_format_header_name.is_valid(s->name))
        schema_error(run, node, "name", "%s", schema_format_header_name.must_be);
    if ((s->part == RATE_SERVICE_VALUE) != (s->value.len > 0))
        schema_error(run, node, "value", "is required for Value, and for that only");
}

static const struct schema_rule entry_rules[] = {
    {"(self.type in ['Header', 'Claim']) == has(self.name)",
     "name is for Header and Claim, and required there"},
    {"(self.type == 'Value') == has(self.value)", "value is for Value, and required there"},
    {0},
};

static const struct schema entry_schema = {
    .name = "RateServiceEntry",
    .doc = "A part of a descriptor.",
    .size = sizeof(struct entry_spec),
    .fields = entry_fields,
    .check = check_entry,
    .rules = entry_rules,
};

static const struct schema_field entry_element = {.type = SCHEMA_INLINE, .object = &entry_schema};

static const struct schema_field descriptor_fields[] = {
    SCHEMA_FIELD(struct descriptor_spec, entries, "entries", LIST, "Its parts, in this order.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 8, .element = &entry_element),
    {0},
};

const struct schema rate_service_descriptor_schema = {
    .name = "RateServiceDescriptor",
    .doc = "What the service counts requests by.",
    .size = sizeof(struct descriptor_spec),
    .fields = descriptor_fields,
};

/* ---- what is made of it ---- */

static struct slice key_of(const struct entry_spec *s)
{
    static const struct slice keys[] = {
        [RATE_SERVICE_IP] = {"remote_address", 14}, [RATE_SERVICE_PATH] = {"path", 4},
        [RATE_SERVICE_METHOD] = {"method", 6},      [RATE_SERVICE_ROUTE] = {"route", 5},
        [RATE_SERVICE_CONSUMER] = {"consumer", 8},  [RATE_SERVICE_VALUE] = {"generic_key", 11},
    };
    if (s->key.len)
        return s->key;
    return s->name.len ? s->name : keys[s->part];
}

static void take_descriptor(struct arena *arena, const struct descriptor_spec *s,
                            struct rate_service_descriptor *d)
{
    d->entries = arena_zalloc(arena, s->entries.count * sizeof(*d->entries));
    for (SCHEMA_EACH(s->entries, struct entry_spec, e))
        d->entries[d->count++] = (struct rate_service_entry){
            .part = (enum rate_service_part)e->part,
            .name = e->part == RATE_SERVICE_HEADER ? arena_copy_lower(arena, e->name) : e->name,
            .key = key_of(e),
            .value = e->value};
}

void rate_service_prepare(struct arena *arena, struct slice domain, uint32_t hits,
                          const struct schema_list *descriptors, struct rate_service *out)
{
    *out = (struct rate_service){.domain = domain, .hits = hits};
    out->descriptors = arena_zalloc(arena, descriptors->count * sizeof(*out->descriptors));
    for (SCHEMA_EACH(*descriptors, struct descriptor_spec, d))
        take_descriptor(arena, d, &out->descriptors[out->count++]);
}

/* ---- asking ---- */

static struct slice ip_of(struct filter_exchange *x)
{
    char text[ADDR_TEXT_MAX];
    return x->client->is_unknown
               ? SLICE("")
               : arena_copy(x->arena, slice_from_cstr(addr_format_ip(&x->client->client, text)));
}

static struct slice claim_of(const struct filter_exchange *x, struct slice name)
{
    const struct doc *d = x->caller ? doc_get(x->caller->claims, name) : NULL;
    if (d && d->type == DOC_INT)
        return arena_printf(x->arena, "%" PRId64, d->integer);
    return d && d->type == DOC_STRING ? d->string : SLICE("");
}

/* Empty: there is none. */
static struct slice value_of(struct filter_exchange *x, const struct rate_service_entry *e)
{
    const struct header *h;
    switch (e->part) {
    case RATE_SERVICE_IP:
        return ip_of(x);
    case RATE_SERVICE_HEADER:
        h = headers_find(&x->request->headers, e->name);
        return h ? h->value : SLICE("");
    case RATE_SERVICE_PATH:
        return x->match_path;
    case RATE_SERVICE_METHOD:
        return x->request->method;
    case RATE_SERVICE_ROUTE:
        return x->route;
    case RATE_SERVICE_CONSUMER:
        return x->caller && !x->caller->is_anonymous ? x->caller->consumer_id : SLICE("");
    case RATE_SERVICE_CLAIM:
        return claim_of(x, e->name);
    default:
        return e->value;
    }
}

static ProtobufCBinaryData bytes_of(struct slice s)
{
    return (ProtobufCBinaryData){s.len, (uint8_t *)(uintptr_t)s.ptr};
}

/* NULL: a part of it is not there. */
static PB(Descriptor) * describe(struct filter_exchange *x, const struct rate_service_descriptor *d)
{
    PB(Descriptor) *to = arena_alloc(x->arena, sizeof(*to));
    PB(Entry) *entries = arena_alloc(x->arena, d->count * sizeof(*entries));
    weft__rate_service__descriptor__init(to);
    to->entries = arena_alloc(x->arena, d->count * sizeof(*to->entries));
    to->n_entries = d->count;
    for (uint32_t i = 0; i < d->count; i++) {
        struct slice value = value_of(x, &d->entries[i]);
        if (!value.len)
            return NULL;
        weft__rate_service__entry__init(&entries[i]);
        entries[i].key = bytes_of(d->entries[i].key);
        entries[i].value = bytes_of(value);
        to->entries[i] = &entries[i];
    }
    return to;
}

bool rate_service_ask(struct filter_exchange *x, const struct rate_service *s, uint32_t timeout_ms,
                      struct filter_call *call)
{
    PB(RateLimitRequest) request = WEFT__RATE_SERVICE__RATE_LIMIT_REQUEST__INIT;
    request.domain = bytes_of(s->domain);
    request.hits_addend = s->hits;
    request.descriptors = arena_alloc(x->arena, s->count * sizeof(*request.descriptors));
    for (uint32_t i = 0; i < s->count; i++) {
        PB(Descriptor) *d = describe(x, &s->descriptors[i]);
        if (d)
            request.descriptors[request.n_descriptors++] = d;
    }
    if (!request.n_descriptors)
        return false;
    size_t len = weft__rate_service__rate_limit_request__get_packed_size(&request);
    uint8_t *frame = arena_alloc(x->arena, GRPC_FRAME_PREFIX + len);
    weft__rate_service__rate_limit_request__pack(&request, frame + GRPC_FRAME_PREFIX);
    grpc_ask_prepare(call, x->arena, METHOD, slice_of(frame, GRPC_FRAME_PREFIX + len), timeout_ms);
    return true;
}

/* ---- the answer ---- */

static void *allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void keep(void *arena, void *memory)
{
    (void)arena;
    (void)memory; /* it goes with the arena */
}

static struct slice text_of(const ProtobufCBinaryData *b)
{
    return slice_of(b->data ? b->data : (const uint8_t *)"", b->len);
}

static struct rate_service_header *take_headers(struct arena *arena, PB(HeaderValue) * *from,
                                                size_t count, uint32_t *taken)
{
    struct rate_service_header *to = arena_alloc(arena, count * sizeof(*to));
    for (size_t i = 0; i < count; i++) {
        struct slice name = arena_copy_lower(arena, text_of(&from[i]->key));
        struct slice raw = text_of(&from[i]->raw_value);
        struct slice value = slice_trim(raw.len ? raw : text_of(&from[i]->value));
        if (ext_auth_may_change(name) && message_value_is_valid(value))
            to[(*taken)++] = (struct rate_service_header){name, value};
    }
    return to;
}

bool rate_service_read(struct arena *arena, struct slice message, struct rate_service_answer *out)
{
    ProtobufCAllocator allocator = {.alloc = allocate, .free = keep, .allocator_data = arena};
    PB(RateLimitResponse) *r = weft__rate_service__rate_limit_response__unpack(
        &allocator, message.len, (const uint8_t *)message.ptr);
    *out = (struct rate_service_answer){0};
    if (!r || (r->overall_code != CODE_OK && r->overall_code != CODE_OVER_LIMIT))
        return false;
    out->is_allowed = r->overall_code == CODE_OK;
    out->body = text_of(&r->raw_body);
    out->to_client = take_headers(arena, r->response_headers_to_add,
                                  r->n_response_headers_to_add, &out->to_client_count);
    out->to_backend = take_headers(arena, r->request_headers_to_add, r->n_request_headers_to_add,
                                   &out->to_backend_count);
    return true;
}
