/* The list of filters, made from filters.def.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/tls/digest.h"

#define FILTER(symbol) extern const struct filter filter_##symbol;
#include "filters/filters.def"
#undef FILTER

#define FILTER(symbol) &filter_##symbol,
const struct filter *const filter_all[] = {
#include "filters/filters.def"
};
#undef FILTER

const size_t filter_count = sizeof(filter_all) / sizeof(filter_all[0]);

const struct filter *filter_find(struct slice name)
{
    for (size_t i = 0; i < filter_count; i++)
        if (slice_eq_cstr(name, filter_all[i]->name))
            return filter_all[i];
    return NULL;
}

struct slice filter_entry_owner(const struct filter_entry *e)
{
    size_t first = slice_find_byte(e->id, '/');
    struct slice rest = slice_sub(e->id, first + 1, e->id.len);
    size_t second = slice_find_byte(rest, '/');
    bool is_owned = second < rest.len;
    return is_owned ? slice_sub(e->id, 0, first + 1 + second) : SLICE("");
}

void *filter_job_create(size_t size, void (*run)(struct filter_job *job))
{
    struct filter_job *job = mem_zalloc(size);
    *job = (struct filter_job){.run = run, .size = size};
    return job;
}

void filter_job_free(struct filter_job *job)
{
    if (!job)
        return;
    if (job->dispose)
        job->dispose(job);
    digest_wipe(job, job->size); /* there may be passwords in it */
    mem_free(job);
}

struct message *filter_call_request(struct filter_call *call, struct arena *arena,
                                    struct slice method, struct slice path)
{
    struct message *m = arena_zalloc(arena, sizeof(*m));
    message_init(m, arena);
    m->version = HTTP_1_1;
    m->method = method;
    m->scheme = SLICE("http");
    m->path = path;
    call->request = m;
    return m;
}

enum err filter_refuse(const struct filter_build *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(b->detail, FILTER_DETAIL_MAX, format, args);
    va_end(args);
    return ERR_INVALID;
}
