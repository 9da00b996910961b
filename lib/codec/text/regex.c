/* PCRE2 in byte mode behind four functions; PCRE2 lives in this file only. Compiled expressions
 * belong to whoever created them; the scratch space of matching belongs to each thread and goes
 * with it. Must not know what is matched.
 *
 * The interpreter is used, not the JIT: its limits hold in steps and bytes, and no page need be
 * executable.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"

enum { MATCH_LIMIT = 200000, DEPTH_LIMIT = 2000, HEAP_LIMIT_KIB = 256, NESTING_LIMIT = 50 };

struct regex {
    pcre2_code *code;
};

/* Shared by all threads, read-only once made. */
static struct {
    pcre2_general_context *general;
    pcre2_compile_context *compile;
    pcre2_match_context *match;
    pthread_key_t scratch; /* pcre2_match_data */
} shared;
static pthread_once_t shared_once = PTHREAD_ONCE_INIT;

static void *take(PCRE2_SIZE size, void *owner)
{
    (void)owner;
    return mem_alloc(size);
}

static void give_back(void *block, void *owner)
{
    (void)owner;
    mem_free(block);
}

static void free_scratch(void *data)
{
    pcre2_match_data_free(data);
}

static void make_shared(void)
{
    shared.general = pcre2_general_context_create(take, give_back, NULL);
    shared.compile = pcre2_compile_context_create(shared.general);
    shared.match = pcre2_match_context_create(shared.general);
    pcre2_set_parens_nest_limit(shared.compile, NESTING_LIMIT);
    pcre2_set_max_pattern_length(shared.compile, REGEX_PATTERN_MAX);
    pcre2_set_match_limit(shared.match, MATCH_LIMIT);
    pcre2_set_depth_limit(shared.match, DEPTH_LIMIT);
    pcre2_set_heap_limit(shared.match, HEAP_LIMIT_KIB);
    if (pthread_key_create(&shared.scratch, free_scratch))
        abort();
}

static pcre2_match_data *thread_scratch(void)
{
    pcre2_match_data *data = pthread_getspecific(shared.scratch);
    if (data)
        return data;
    data = pcre2_match_data_create(1, shared.general);
    if (pthread_setspecific(shared.scratch, data)) {
        pcre2_match_data_free(data);
        return NULL;
    }
    return data;
}

static enum err refuse(enum err e, struct regex_fault *fault, size_t offset, const char *text)
{
    if (fault) {
        fault->offset = offset;
        snprintf(fault->text, sizeof fault->text, "%s", text);
    }
    return e;
}

enum err regex_create(struct slice pattern, bool ignore_case, struct regex **out,
                      struct regex_fault *fault)
{
    *out = NULL;
    pthread_once(&shared_once, make_shared);
    if (pattern.len > REGEX_PATTERN_MAX)
        return refuse(ERR_LIMIT, fault, REGEX_PATTERN_MAX, "pattern is too long");
    int code;
    PCRE2_SIZE offset;
    uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
                       PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY |
                       (ignore_case ? PCRE2_CASELESS : 0);
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)(pattern.len ? pattern.ptr : ""), pattern.len,
                                         options, &code, &offset, shared.compile);
    if (!compiled) {
        PCRE2_UCHAR text[128];
        pcre2_get_error_message(code, text, sizeof text);
        return refuse(ERR_SYNTAX, fault, offset, (const char *)text);
    }
    struct regex *r = mem_alloc(sizeof *r);
    r->code = compiled;
    *out = r;
    return ERR_OK;
}

void regex_destroy(struct regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    mem_free(r);
}

enum regex_result regex_match(const struct regex *r, struct slice subject)
{
    pcre2_match_data *scratch = thread_scratch();
    if (!scratch)
        return REGEX_ERROR;
    int rc = pcre2_match(r->code, (PCRE2_SPTR)(subject.len ? subject.ptr : ""), subject.len, 0, 0,
                         scratch, shared.match);
    if (rc >= 0)
        return REGEX_YES;
    return rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_ERROR;
}
