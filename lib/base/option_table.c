/* Reading, printing and freeing by the table. Must not know which options there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/option_table.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/option_value.h"

/* ---- values ---- */

enum err option_fail(struct option_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(run->detail, sizeof run->detail, format, args);
    va_end(args);
    return ERR_INVALID;
}

enum err option_name(struct option_run *run, void *field, struct slice text)
{
    (void)run;
    return option_value_name(text, field);
}

enum err option_optional(struct option_run *run, void *field, struct slice text)
{
    (void)run;
    return option_value_optional(text, field);
}

enum err option_listener(struct option_run *run, void *field, struct slice text)
{
    (void)run;
    return option_value_listener(text, field);
}

enum err option_open_listener(struct option_run *run, void *field, struct slice text)
{
    (void)run;
    return option_value_open_listener(text, field);
}

enum err option_endpoint(struct option_run *run, void *field, struct slice text)
{
    (void)run;
    if (!option_value_is_off(text))
        return option_value_endpoint(text, field);
    *(struct addr *)field = (struct addr){0};
    return ERR_OK;
}

enum err option_ip(struct option_run *run, void *field, struct slice text)
{
    (void)run;
    return option_value_ip(text, false, field);
}

enum err option_any_ip(struct option_run *run, void *field, struct slice text)
{
    (void)run;
    return option_value_ip(text, true, field);
}

enum err option_switch(struct option_run *run, void *field, struct slice text)
{
    (void)run;
    return option_value_switch(text, field);
}

enum err option_log_level(struct option_run *run, void *field, struct slice text)
{
    (void)run, (void)field;
    return log_set_level(text);
}

static void store(void *field, size_t size, uint64_t value)
{
    if (size == sizeof(uint16_t))
        *(uint16_t *)field = (uint16_t)value;
    else if (size == sizeof(uint32_t))
        *(uint32_t *)field = (uint32_t)value;
    else
        *(uint64_t *)field = value;
}

static uint64_t largest(const struct option_row *row)
{
    return row->max                          ? row->max
           : row->size < sizeof(uint64_t) ? (UINT64_C(1) << 8 * row->size) - 1
                                             : UINT64_MAX;
}

enum err option_number(struct option_run *run, void *field, struct slice text)
{
    uint64_t value, max = largest(run->row);
    if (slice_to_u64(text, &value) || value < run->row->min || value > max)
        return option_fail(run, "must be a number from %llu to %llu",
                           (unsigned long long)run->row->min, (unsigned long long)max);
    store(field, run->row->size, value);
    return ERR_OK;
}

enum err option_duration(struct option_run *run, void *field, struct slice text)
{
    uint64_t ms, max = largest(run->row);
    enum err e = slice_to_duration_ms(text, &ms);
    if (e)
        return e;
    if (ms < run->row->min || ms > max)
        return option_fail(run, "must be from %llums to %llums", (unsigned long long)run->row->min,
                           (unsigned long long)max);
    store(field, run->row->size, ms);
    return ERR_OK;
}

/* ---- reading ---- */

struct reader {
    const struct option_table *table;
    void *options;
    unsigned command;
    char *problem;
    size_t problem_size;
};

static enum option_outcome mistake(struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static enum option_outcome mistake(struct reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->problem, r->problem_size, format, args);
    va_end(args);
    return OPTION_MISTAKE;
}

static bool is_of(const struct option_row *row, unsigned command)
{
    return !row->command || !command || row->command & command;
}

/* where: "--" or "WEFT_NAME: ". */
static enum option_outcome set(struct reader *r, const struct option_row *row, struct slice value,
                               const char *where)
{
    struct option_run run = {.row = row};
    enum err e = row->parse(&run, (char *)r->options + row->offset, value);
    if (!e)
        return OPTION_GO_ON;
    return mistake(r, "%s%s '%.*s': %s (wants %s: %s)", where, row->name, SLICE_ARG(value),
                   *run.detail ? run.detail : err_text(e),
                   row->value ? row->value : OPTION_VALUE_SWITCH, row->help);
}

static enum option_outcome take_environment(struct reader *r, const struct option_row *row)
{
    char variable[64] = "WEFT_", where[80];
    size_t at = strlen(variable);
    for (const char *c = row->name; *c && at + 1 < sizeof variable; c++)
        variable[at++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    variable[at] = '\0';
    const char *name = variable, *value = option_value_environment(variable);
    if (!value && row->environment) {
        name = row->environment;
        value = option_value_environment(name);
    }
    if (!value)
        return row->fallback ? set(r, row, slice_from_cstr(row->fallback), "default, ")
                             : OPTION_GO_ON;
    snprintf(where, sizeof where, "environment, %s: ", name);
    return set(r, row, slice_from_cstr(value), where);
}

static enum option_outcome take_defaults(struct reader *r)
{
    enum option_outcome outcome = OPTION_GO_ON;
    for (size_t i = 0; i < r->table->count && outcome == OPTION_GO_ON; i++)
        outcome = take_environment(r, &r->table->rows[i]);
    return outcome;
}

static const struct option_row *find_row(const struct reader *r, struct slice name)
{
    for (size_t i = 0; i < r->table->count; i++) {
        const struct option_row *row = &r->table->rows[i];
        if (is_of(row, r->command) && slice_eq_cstr(name, row->name))
            return row;
    }
    return NULL;
}

/* One option at argv[*at], and its value behind it. */
static enum option_outcome take_option(struct reader *r, int argc, char **argv, int *at)
{
    struct slice word = slice_from_cstr(argv[*at]);
    if (!slice_starts_with(word, SLICE("--")))
        return mistake(r, "unexpected argument %s", argv[*at]);
    struct slice name = slice_sub(word, 2, word.len);
    size_t equals = slice_find_byte(name, '=');
    bool is_joined = equals < name.len;
    const struct option_row *row = find_row(r, slice_sub(name, 0, equals));
    if (!row)
        return mistake(r, "unknown option %s", argv[*at]);
    if (is_joined)
        return set(r, row, slice_sub(name, equals + 1, name.len), "--");
    if (!row->value)
        return set(r, row, SLICE("on"), "--");
    if (*at + 1 == argc)
        return mistake(r, "option %s wants a value", argv[*at]);
    return set(r, row, slice_from_cstr(argv[++*at]), "--");
}

enum option_outcome option_table_read(const struct option_table *t, void *options,
                                      unsigned command, int argc, char **argv, char *problem,
                                      size_t problem_size)
{
    struct reader r = {t, options, command, problem, problem_size};
    enum option_outcome outcome = take_defaults(&r);
    for (int at = 1; at < argc && outcome == OPTION_GO_ON; at++) {
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
            return OPTION_HELP;
        if (strcmp(argv[at], "--version") == 0)
            return OPTION_VERSION;
        outcome = take_option(&r, argc, argv, &at);
    }
    return outcome;
}

/* ---- programs ---- */

static void print_rows(const struct option_table *t, unsigned command)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct option_row *row = &t->rows[i];
        if (!is_of(row, command))
            continue;
        printf("  --%s%s%s\n        %s", row->name, row->value ? " " : "",
               row->value ? row->value : "", row->help);
        if (row->environment)
            printf(" [$%s]", row->environment);
        if (row->fallback && *row->fallback)
            printf(" [%s]", row->fallback);
        printf("\n");
    }
}

void option_table_print_usage(const struct option_table *t)
{
    printf("%s\n"
           "Every option can also be given in the environment: --some-name as WEFT_SOME_NAME.\n\n",
           t->usage);
    print_rows(t, t->further ? 1 : 0);
    if (!t->further)
        return;
    printf("\n%s", t->further);
    print_rows(t, 2);
}

int option_table_parse(const struct option_table *t, void *options, unsigned command, int argc,
                       char **argv)
{
    char problem[512];
    switch (option_table_read(t, options, command, argc, argv, problem, sizeof problem)) {
    case OPTION_GO_ON:
        return -1;
    case OPTION_HELP:
        option_table_print_usage(t);
        return 0;
    case OPTION_VERSION:
        printf("%s %s\n", t->program, WEFT_VERSION);
        return 0;
    case OPTION_MISTAKE:
        break;
    }
    return option_table_complain(t, "%s", problem);
}

int option_table_complain(const struct option_table *t, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "%s: ", t->program);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; see --help\n");
    return 2;
}

void option_table_dispose(const struct option_table *t, void *options)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct option_row *row = &t->rows[i];
        if (row->parse != option_name && row->parse != option_optional && !row->is_text)
            continue;
        char **field = (char **)(void *)((char *)options + row->offset);
        mem_free(*field);
        *field = NULL;
    }
}
