/* libyaml's events into a document tree. One parser per call, on the caller's thread; nothing is
 * kept. libyaml lives in this file only; it allocates from libc by itself, within what the
 * limits allow. Must not know what the documents are about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/doc_yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "lib/codec/doc/doc_scalar.h"

enum { QUOTE_MAX = 72 };

struct build {
    yaml_parser_t parser;
    struct slice text;
    struct arena *arena;
    struct doc_error *error;
};

/* Children are collected in a list first: their number is known at the end only. */
struct pending {
    struct pending *next;
    struct doc_member member;
};

static enum err fail(struct build *b, enum err e, yaml_mark_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static enum err fail(struct build *b, enum err e, yaml_mark_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    b->error->line = (unsigned)at.line + 1;
    b->error->column = (unsigned)at.column + 1;
    vsnprintf(b->error->text, sizeof b->error->text, format, args);
    va_end(args);
    return e;
}

/* ---- what libyaml found, in words for people ---- */

/* Its own words are about tokens and productions. */
static const char *in_words(const char *problem)
{
    static const struct {
        const char *problem, *words;
    } known[] = {
        {"did not find expected '-' indicator",
         "this line is neither an item of the list above it (\"- \" in the column of the others) "
         "nor out of it: the indentation is wrong"},
        {"did not find expected key",
         "this line is neither a key in the column of the others nor out of the object above it: "
         "the indentation is wrong, or a quote or bracket before it is not closed"},
        {"mapping values are not allowed in this context",
         "a \":\" where no key can be: the line is indented too far, or the value holds \": \" and "
         "needs quotes"},
        {"could not find expected ':'", "a key without its \":\""},
        {"found character that cannot start any token",
         "a value cannot begin with this character: put it in quotes"},
        {"did not find expected ',' or '}'", "a \"{\" without its \"}\", or a comma is missing"},
        {"did not find expected ',' or ']'", "a \"[\" without its \"]\", or a comma is missing"},
        {"found unexpected end of stream", "a quote that is opened and never closed"},
        {"found unexpected document indicator", "a quote that is not closed before \"---\""},
        {"found unknown escape character",
         "a \"\\\" before a letter that it does not go with: use single quotes"},
        {"block sequence entries are not allowed in this context",
         "a list cannot begin behind something else on the same line"},
        {"did not find expected node content", "a value is missing"},
        {"did not find expected <document start>",
         "something stands before or behind the document: is a line indented less than the first?"},
        {"control characters are not allowed", "a control character"},
        {"invalid leading UTF-8 octet", "the text is not UTF-8"},
        {"invalid trailing UTF-8 octet", "the text is not UTF-8"},
        {"incomplete UTF-8 octet sequence", "the text is not UTF-8"},
    };
    for (size_t i = 0; problem && i < sizeof known / sizeof *known; i++)
        if (strcmp(problem, known[i].problem) == 0)
            return known[i].words;
    return problem ? problem : "not YAML";
}

static struct slice line_of(struct slice text, size_t number)
{
    for (; number && text.len; number--)
        text = slice_sub(text, slice_find_byte(text, '\n') + 1, text.len);
    struct slice line = slice_sub(text, 0, slice_find_byte(text, '\n'));
    return line.len && line.ptr[line.len - 1] == '\r' ? slice_sub(line, 0, line.len - 1) : line;
}

/* Where indentation is, only spaces may be. */
static bool has_tab(struct slice line)
{
    size_t at = 0;
    while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '-'))
        at++;
    return at < line.len && line.ptr[at] == '\t';
}

/* As people see it: a tab as "\t", nothing that a terminal would act on, and no more than fits. */
static void quote(struct slice line, char out[QUOTE_MAX])
{
    size_t used = 0;
    for (size_t i = 0; i < line.len && used + 5 < QUOTE_MAX; i++) {
        bool tab = line.ptr[i] == '\t';
        if (tab)
            out[used++] = '\\';
        out[used++] = tab                                  ? 't'
                      : (unsigned char)line.ptr[i] < 0x20 ? '?'
                                                           : line.ptr[i];
    }
    if (line.len && used + 5 >= QUOTE_MAX)
        used += (size_t)snprintf(out + used, QUOTE_MAX - used, "...");
    out[used] = '\0';
}

/* Where libyaml gave up, or where the quote begins that it found no end of, with that line. */
static enum err explain(struct build *b)
{
    const yaml_parser_t *p = &b->parser;
    bool reader = p->error == YAML_READER_ERROR;
    bool is_open = p->context && strcmp(p->context, "while scanning a quoted scalar") == 0;
    yaml_mark_t at = reader ? p->mark : is_open ? p->context_mark : p->problem_mark;
    struct slice line = line_of(b->text, at.line);
    char quoted[QUOTE_MAX], since[64] = "";
    bool tab = has_tab(line);
    quote(line, quoted);
    if (tab)
        return fail(b, ERR_SYNTAX, at, "a tab: YAML is indented with spaces only: \"%s\"", quoted);
    if (p->context && p->context_mark.line < at.line)
        snprintf(since, sizeof since, " (it is about what begins on line %zu)",
                 p->context_mark.line + 1);
    return fail(b, ERR_SYNTAX, at, "%s%s%s%s%s", in_words(p->problem), since,
                *quoted ? ": \"" : "", quoted, *quoted ? "\"" : "");
}

static enum err next_event(struct build *b, yaml_event_t *event)
{
    return yaml_parser_parse(&b->parser, event) ? ERR_OK : explain(b);
}

static enum err check_plainness(struct build *b, const yaml_event_t *e)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (e->type == YAML_ALIAS_EVENT || anchor)
        return fail(b, ERR_SYNTAX, e->start_mark,
                    "anchors and aliases (& and *) are not supported; write the value out");
    if (tag)
        return fail(b, ERR_SYNTAX, e->start_mark,
                    "tags (!) are not supported; quote strings instead");
    return ERR_OK;
}

static enum err scalar_bytes(struct build *b, const yaml_event_t *e, struct slice *out)
{
    struct slice text = slice_of(e->data.scalar.value, e->data.scalar.length);
    if (slice_find_byte(text, '\0') != text.len)
        return fail(b, ERR_SYNTAX, e->start_mark, "a string must not contain NUL");
    *out = arena_copy(b->arena, text);
    return ERR_OK;
}

static enum err build_scalar(struct build *b, const yaml_event_t *e, struct doc *node)
{
    struct slice text;
    enum err err = scalar_bytes(b, e, &text);
    if (err)
        return err;
    node->type = DOC_STRING;
    node->string = text;
    if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return ERR_OK;
    const char *why = NULL;
    err = doc_scalar_resolve(text, node, &why);
    return err ? fail(b, err, e->start_mark, "%.*s: %s", (int)(text.len > 40 ? 40 : text.len),
                      text.ptr, why)
               : ERR_OK;
}

static enum err build_node(struct build *b, const yaml_event_t *e, unsigned depth,
                           const struct doc **out);

/* Reads the next event and builds the node that starts with it; *ended when it is `end` instead. */
static enum err build_next(struct build *b, yaml_event_type_t end, unsigned depth, bool *ended,
                           const struct doc **out)
{
    yaml_event_t event;
    enum err err = next_event(b, &event);
    if (err)
        return err;
    *ended = event.type == end;
    if (!*ended)
        err = build_node(b, &event, depth, out);
    yaml_event_delete(&event);
    return err;
}

static enum err build_array(struct build *b, unsigned depth, struct doc *node)
{
    struct pending *first = NULL, **last = &first;
    for (;;) {
        const struct doc *item = NULL;
        bool ended;
        enum err err = build_next(b, YAML_SEQUENCE_END_EVENT, depth + 1, &ended, &item);
        if (err)
            return err;
        if (ended)
            break;
        if (node->count == DOC_ITEMS_MAX)
            return fail(b, ERR_LIMIT, b->parser.mark, "list of more than %u items", DOC_ITEMS_MAX);
        *last = arena_zalloc(b->arena, sizeof **last);
        (*last)->member.value = item;
        last = &(*last)->next;
        node->count++;
    }
    const struct doc **items = arena_alloc(b->arena, node->count * sizeof *items);
    struct pending *p = first;
    for (size_t i = 0; i < node->count; i++, p = p->next)
        items[i] = p->member.value;
    node->type = DOC_ARRAY;
    node->items = items;
    return ERR_OK;
}

static enum err check_key(struct build *b, const yaml_event_t *e, struct slice key,
                          const struct pending *before)
{
    bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && slice_eq_cstr(key, "<<"))
        return fail(b, ERR_SYNTAX, e->start_mark, "merge keys (<<) are not supported");
    if (plain && (slice_is_empty(key) || slice_eq_cstr(key, "~") || slice_eq_cstr(key, "null")))
        return fail(b, ERR_SYNTAX, e->start_mark, "a key must not be null; quote it");
    for (; before; before = before->next)
        if (slice_eq(before->member.key, key))
            return fail(b, ERR_SYNTAX, e->start_mark,
                        "key \"%.*s\" is given twice (the first time on line %u)",
                        (int)(key.len > 64 ? 64 : key.len), key.ptr, before->member.line);
    return ERR_OK;
}

/* *ended at the end of the object. */
static enum err build_key(struct build *b, const struct pending *before, struct doc_member *member,
                          bool *ended)
{
    yaml_event_t event;
    enum err err = next_event(b, &event);
    if (err)
        return err;
    *ended = event.type == YAML_MAPPING_END_EVENT;
    member->line = (unsigned)event.start_mark.line + 1;
    if (!*ended)
        err = check_plainness(b, &event);
    if (!err && !*ended && event.type != YAML_SCALAR_EVENT)
        err = fail(b, ERR_SYNTAX, event.start_mark, "a key must be a string");
    if (!err && !*ended)
        err = scalar_bytes(b, &event, &member->key);
    if (!err && !*ended)
        err = check_key(b, &event, member->key, before);
    yaml_event_delete(&event);
    return err;
}

static enum err build_object(struct build *b, unsigned depth, struct doc *node)
{
    struct pending *first = NULL, **last = &first;
    for (;;) {
        struct doc_member member = {0};
        bool ended, no_value;
        enum err err = build_key(b, first, &member, &ended);
        if (err)
            return err;
        if (ended)
            break;
        if (node->count == DOC_MEMBERS_MAX)
            return fail(b, ERR_LIMIT, b->parser.mark, "object of more than %u keys",
                        DOC_MEMBERS_MAX);
        err = build_next(b, YAML_NO_EVENT, depth + 1, &no_value, &member.value);
        if (err)
            return err;
        *last = arena_zalloc(b->arena, sizeof **last);
        (*last)->member = member;
        last = &(*last)->next;
        node->count++;
    }
    struct doc_member *members = arena_alloc(b->arena, node->count * sizeof *members);
    struct pending *p = first;
    for (size_t i = 0; i < node->count; i++, p = p->next)
        members[i] = p->member;
    node->type = DOC_OBJECT;
    node->members = members;
    return ERR_OK;
}

static enum err build_node(struct build *b, const yaml_event_t *e, unsigned depth,
                           const struct doc **out)
{
    enum err err = check_plainness(b, e);
    if (err)
        return err;
    if (depth > DOC_DEPTH_MAX)
        return fail(b, ERR_LIMIT, e->start_mark, "nested deeper than %u levels", DOC_DEPTH_MAX);
    struct doc *node = doc_alloc(b->arena, DOC_NULL, (unsigned)e->start_mark.line + 1);
    *out = node;
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return build_scalar(b, e, node);
    case YAML_SEQUENCE_START_EVENT:
        return build_array(b, depth, node);
    case YAML_MAPPING_START_EVENT:
        return build_object(b, depth, node);
    default:
        return fail(b, ERR_SYNTAX, e->start_mark, "unexpected end of the document");
    }
}

static enum err build_documents(struct build *b, struct doc_list *out)
{
    struct pending *first = NULL, **last = &first;
    for (;;) {
        yaml_event_t event;
        enum err err = next_event(b, &event);
        if (err)
            return err;
        yaml_event_type_t type = event.type;
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT)
            break;
        if (type != YAML_DOCUMENT_START_EVENT)
            continue;
        const struct doc *root = NULL;
        bool ended;
        err = build_next(b, YAML_DOCUMENT_END_EVENT, 1, &ended, &root);
        if (err)
            return err;
        if (ended || root->type == DOC_NULL)
            continue;
        *last = arena_zalloc(b->arena, sizeof **last);
        (*last)->member.value = root;
        last = &(*last)->next;
        out->count++;
    }
    const struct doc **items = arena_alloc(b->arena, out->count * sizeof *items);
    struct pending *p = first;
    for (size_t i = 0; i < out->count; i++, p = p->next)
        items[i] = p->member.value;
    out->items = items;
    return ERR_OK;
}

enum err doc_yaml_parse(struct slice text, struct arena *arena, struct doc_list *out,
                        struct doc_error *error)
{
    struct build b = {.text = text, .arena = arena, .error = error};
    *out = (struct doc_list){0};
    *error = (struct doc_error){0};
    if (text.len > DOC_YAML_TEXT_MAX) {
        snprintf(error->text, sizeof error->text, "text of more than %u bytes", DOC_YAML_TEXT_MAX);
        return ERR_LIMIT;
    }
    if (!yaml_parser_initialize(&b.parser)) {
        snprintf(error->text, sizeof error->text, "no memory for the parser");
        return ERR_LIMIT;
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    const char *bytes = text.len ? text.ptr : "";
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)bytes, text.len);
    enum err err = build_documents(&b, out);
    yaml_parser_delete(&b.parser);
    if (err)
        *out = (struct doc_list){0};
    return err;
}
