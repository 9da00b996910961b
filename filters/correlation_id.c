/* correlationID: every request has an id, which the backend and the client both see, so that the
 * logs of all of them can be laid side by side.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include <inttypes.h>

#include "lib/base/rand.h"
#include "lib/schema/schema_format.h"

enum { ID_MAX = 128 }; /* bytes of an id of the client's */

/* ---- what users write ---- */

enum generator { UUID, COUNTER, TIMESTAMP };

struct correlation_id_spec {
    struct slice header;
    int generator;
    bool echo, replace;
};

static const char *const generators[] = {"UUID", "Counter", "Timestamp", NULL};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct correlation_id_spec, header, "header", STRING,
                 "The header that the id is in.", .min = 1, .max = 256,
                 .format = &schema_format_mutable_header, .text = "X-Request-ID"),
    SCHEMA_FIELD(struct correlation_id_spec, generator, "generator", ENUM,
                 "What ids are like. `UUID`: a random one. `Counter`: a UUID of this process and a "
                 "number that counts up, \"<uuid>#7\". `Timestamp`: the time in milliseconds and "
                 "eight random letters, both to the base of 36, \"mjv1x3k0-4f7a9c2e\".",
                 .choices = generators),
    SCHEMA_FIELD(struct correlation_id_spec, echo, "echo", BOOL,
                 "Tell the client, too, also where a request is refused.", .fallback = true),
    SCHEMA_FIELD(struct correlation_id_spec, replace, "replace", BOOL,
                 "Replace an id that the client sent. Without it such an id is kept, if it has "
                 "no more than 128 bytes and no spaces."),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct correlation_id_spec *s = value;
    if (slice_eq_nocase(s->header, SLICE("x-request-id")) && s->generator != UUID && !s->replace)
        schema_error(run, node, "generator",
                     "must be UUID for X-Request-ID, which has one before filters see it; or "
                     "replace must be true");
}

static const struct schema spec_schema = {
    .name = "CorrelationID",
    .doc = "An id of each request.",
    .size = sizeof(struct correlation_id_spec),
    .fields = fields,
    .check = check,
};

/* ---- what is made of it ---- */

struct keep {
    struct filter_keep keep; /* first */
    char uuid[RAND_UUID_SIZE];
    _Atomic uint64_t count;
};

struct conf {
    struct keep *keep;
    struct slice header; /* lower case */
    enum generator generator;
    bool echo, replace;
};

struct ctx {
    struct slice id; /* empty: the filter had no turn */
};

static void begin_keep(struct filter_keep *keep)
{
    struct rand_state r;
    uint64_t seed;
    rand_secure(&seed, sizeof(seed));
    rand_seed(&r, seed);
    rand_uuid(&r, ((struct keep *)(void *)keep)->uuid);
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct correlation_id_spec *s = spec;
    *(struct conf *)conf = (struct conf){
        .keep = filter_keep(b, sizeof(struct keep), begin_keep, NULL),
        .header = arena_copy_lower(b->arena, s->header),
        .generator = (enum generator)s->generator,
        .echo = s->echo,
        .replace = s->replace};
    return ERR_OK;
}

/* ---- ids ---- */

static struct slice base36(struct arena *arena, uint64_t value, unsigned least)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    enum { ROOM = 16 };
    char *text = arena_alloc(arena, ROOM);
    unsigned at = ROOM;
    for (; at > 0 && (value || ROOM - at < least); value /= 36)
        text[--at] = digits[value % 36];
    return slice_of(text + at, ROOM - at);
}

static struct slice make_id(struct filter_exchange *x, const struct conf *c)
{
    if (c->generator == COUNTER)
        return arena_printf(x->arena, "%s#%" PRIu64, c->keep->uuid,
                            atomic_fetch_add(&c->keep->count, 1) + 1);
    if (c->generator == TIMESTAMP) {
        struct slice time = base36(x->arena, (uint64_t)x->host->unix_ms(x), 1);
        struct slice chance =
            base36(x->arena, x->host->random(x) % UINT64_C(2821109907456), 8); /* 36^8 */
        return arena_printf(x->arena, "%.*s-%.*s", SLICE_ARG(time), SLICE_ARG(chance));
    }
    struct rand_state r;
    char *text = arena_alloc(x->arena, RAND_UUID_SIZE);
    rand_seed(&r, x->host->random(x));
    rand_uuid(&r, text);
    return slice_of(text, RAND_UUID_SIZE - 1);
}

/* Visible ASCII, since logs hold it. */
static bool may_stay(struct slice id)
{
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~')
            return false;
    return id.len > 0 && id.len <= ID_MAX;
}

/* ---- hooks ---- */

/* By its number where it has one: whoever asks for X-Request-ID asks so. */
static void set(struct headers *h, struct slice name, struct slice id)
{
    enum header_id number = header_id_of(name);
    if (number == HEADER_OTHER)
        headers_set(h, name, id);
    else
        headers_set_id(h, number, id);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    const struct header *said = headers_find(&x->request->headers, c->header);
    bool stays = said && !c->replace && may_stay(said->value);
    own->id = stays ? said->value : make_id(x, c);
    set(&x->request->headers, c->header, own->id);
    return FILTER_NEXT;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (!own->id.len) /* the answer was given before */
        on_request(x, conf, ctx);
    if (c->echo)
        set(&x->response->headers, c->header, own->id);
    return FILTER_NEXT;
}

const struct filter filter_correlation_id = {
    .name = "correlationID",
    .doc = "Gives each request an id that the backend and the client see.",
    .phase = FILTER_PHASE_CORS,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .sees_every_answer = true,
};
