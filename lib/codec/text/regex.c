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
    pcre2_compile_context *compile, *ecma;
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
    shared.ecma = pcre2_compile_context_copy(shared.compile);
    pcre2_set_max_pattern_length(shared.ecma, PCRE2_UNSET);
    pcre2_set_compile_extra_options(shared.ecma, PCRE2_EXTRA_ALT_BSUX);
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

static enum err compile(struct slice pattern, uint32_t options, pcre2_compile_context *context,
                        struct regex **out, struct regex_fault *fault)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)(pattern.len ? pattern.ptr : ""), pattern.len,
                                         options, &code, &offset, context);
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

enum err regex_create(struct slice pattern, bool ignore_case, struct regex **out,
                      struct regex_fault *fault)
{
    *out = NULL;
    pthread_once(&shared_once, make_shared);
    if (pattern.len > REGEX_PATTERN_MAX)
        return refuse(ERR_LIMIT, fault, REGEX_PATTERN_MAX, "pattern is too long");
    return compile(pattern,
                   PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
                       PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY |
                       (ignore_case ? PCRE2_CASELESS : 0),
                   shared.compile, out, fault);
}

/* ---- ECMA-262 ---- */

/* What PCRE2 writes in another way: \d and \w are ASCII in both; \s is all of Unicode's white
 * space in ECMA-262 alone; and general categories have long names there. */
static const struct {
    const char *from, *to;
} ecma_words[] = {
    {"\\s", "[\\t-\\r \\ufeff\\u2028\\u2029\\p{Zs}]"},
    {"\\S", "[^\\t-\\r \\ufeff\\u2028\\u2029\\p{Zs}]"},
    {"\\p{Letter}", "\\p{L}"},
    {"\\p{Lowercase_Letter}", "\\p{Ll}"},
    {"\\p{Uppercase_Letter}", "\\p{Lu}"},
    {"\\p{Number}", "\\p{N}"},
    {"\\p{digit}", "\\p{Nd}"},
    {"\\p{Punctuation}", "\\p{P}"},
};

static size_t put_word(struct slice rest, bool in_class, char *to, size_t *used)
{
    for (size_t i = 0; i < sizeof(ecma_words) / sizeof(ecma_words[0]); i++) {
        struct slice from = slice_from_cstr(ecma_words[i].from);
        struct slice word = slice_from_cstr(ecma_words[i].to);
        if (!slice_starts_with(rest, from) || (in_class && word.ptr[1] == '^'))
            continue;
        if (in_class && word.ptr[0] == '[')
            word = slice_sub(word, 1, word.len - 2);
        memcpy(to, word.ptr, word.len);
        *used = from.len;
        return word.len;
    }
    *used = rest.len > 1 ? 2 : 1;
    memcpy(to, rest.ptr, *used);
    return *used;
}

/* to: room for 48 times the pattern. */
static struct slice from_ecma(struct slice pattern, char *to)
{
    size_t len = 0, used;
    bool in_class = false;
    for (size_t i = 0; i < pattern.len; i += used) {
        char c = pattern.ptr[i];
        used = 1;
        if (c == '\\') {
            len += put_word(slice_sub(pattern, i, pattern.len), in_class, to + len, &used);
            continue;
        }
        in_class = c == '[' ? true : c == ']' ? false : in_class;
        to[len++] = c;
    }
    return slice_of(to, len);
}

enum err regex_create_ecma(struct slice pattern, struct regex **out, struct regex_fault *fault)
{
    *out = NULL;
    pthread_once(&shared_once, make_shared);
    if (pattern.len > REGEX_PATTERN_MAX)
        return refuse(ERR_LIMIT, fault, REGEX_PATTERN_MAX, "pattern is too long");
    char *translated = mem_alloc(pattern.len * 48 + 1);
    enum err err = compile(from_ecma(pattern, translated),
                           PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY |
                               PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |
                               PCRE2_MATCH_UNSET_BACKREF,
                           shared.ecma, out, fault);
    mem_free(translated);
    return err;
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
