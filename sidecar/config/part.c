/* Memory and complaints of one compiled resource.
 * Control thread; disposal on any. Must not know what is compiled.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/part.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/codec/text/regex.h"

enum { BLOCK_SIZE = 1024 };

struct part_kept {
    struct part_kept *next;
    void *thing;
    void (*give_back)(void *thing);
};

void part_init(struct part *p)
{
    arena_init(&p->arena, BLOCK_SIZE);
    p->kept = NULL;
}

void part_dispose(struct part *p)
{
    for (struct part_kept *k = p->kept; k; k = k->next)
        k->give_back(k->thing);
    p->kept = NULL;
    arena_dispose(&p->arena);
}

struct slice part_text(struct part *p, const char *text)
{
    return arena_copy(&p->arena, slice_from_cstr(text));
}

struct slice part_text_lower(struct part *p, const char *text)
{
    return arena_copy_lower(&p->arena, slice_from_cstr(text));
}

void *part_array(struct part *p, size_t count, size_t size)
{
    return count ? arena_zalloc(&p->arena, count * size) : NULL;
}

void part_keep(struct part *p, void *thing, void (*give_back)(void *thing))
{
    struct part_kept *kept = arena_alloc(&p->arena, sizeof(*kept));
    *kept = (struct part_kept){p->kept, thing, give_back};
    p->kept = kept;
}

static void destroy_regex(void *regex)
{
    regex_destroy(regex);
}

enum err part_regex(const struct part_build *b, struct slice pattern, bool ignore_case,
                    const struct regex **out)
{
    struct regex_fault fault;
    struct regex *regex;
    if (regex_create(pattern, ignore_case, &regex, &fault))
        return part_refuse(b, "regular expression \"%.*s\": %s at offset %zu", SLICE_ARG(pattern),
                           fault.text, fault.offset);
    part_keep(b->part, regex, destroy_regex);
    *out = regex;
    return ERR_OK;
}

enum err part_refuse(const struct part_build *b, const char *format, ...)
{
    va_list args;
    int len = snprintf(b->detail, PART_DETAIL_MAX, "%.*s: ", SLICE_ARG(b->resource));
    if (len >= 0 && len < PART_DETAIL_MAX) {
        va_start(args, format);
        vsnprintf(b->detail + len, (size_t)(PART_DETAIL_MAX - len), format, args);
        va_end(args);
    }
    return ERR_INVALID;
}
