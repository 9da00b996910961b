/* The options of a program as one table: "--name VALUE" and "--name=VALUE" on the command line,
 * WEFT_NAME in the environment, defaults, the usage text and the messages about mistakes. What the
 * command line says comes before the environment, and that before the default. Runs before any
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct option_row;

/* One value that is being read. */
struct option_run {
    const struct option_row *row;
    char detail[160]; /* what is wrong with it; empty: the error's own text */
};

/* Puts what the text says into the field. */
typedef enum err option_parse_fn(struct option_run *run, void *field, struct slice text);

struct option_row {
    const char *name;     /* "policy-dir" */
    const char *value;    /* what it takes, for people: "DIR"; NULL: a switch, "--name" alone */
    const char *fallback; /* NULL: none */
    const char *help;
    const char *environment; /* a variable that is asked after WEFT_NAME; NULL: none */
    option_parse_fn *parse;
    size_t offset, size; /* of the field in the struct of options */
    uint64_t min, max;   /* of numbers, and of durations in ms; max 0: whatever the field holds */
    unsigned command;    /* whose option it is, of a program with several; 0: of all */
    bool is_text;        /* a parser of the program's own that fills in a char * */
};

/* A row for a field. type: option_<type> below, or an option_parse_fn of the program's own called
 * so. What follows are further members. */
#define OPTION(struct_, field, name_, value_, type, ...)                                       \
    {.name = name_, .value = value_, .parse = option_##type, .offset = offsetof(struct_, field), \
     .size = sizeof(((struct_ *)0)->field), __VA_ARGS__}

#define OPTION_LOG_LEVEL                                                                        \
    {.name = "log-level", .value = "LEVEL", .fallback = "info",                                 \
     .help = "error, warn, info, debug or trace", .parse = option_log_level}

struct option_table {
    const char *program; /* "weft-certd", as messages begin */
    const char *usage;   /* what stands above the list of options */
    const char *further; /* and above the list of those of command 2; NULL: there is one command */
    const struct option_row *rows;
    size_t count;
};

enum option_outcome { OPTION_GO_ON, OPTION_HELP, OPTION_VERSION, OPTION_MISTAKE };

/* Fills in the struct, which is zeroed or all from this table, from argv[1] on. OPTION_MISTAKE: a
 * sentence about it is in problem. */
enum option_outcome option_table_read(const struct option_table *t, void *options,
                                      unsigned command, int argc, char **argv, char *problem,
                                      size_t problem_size);
/* The same for a whole program: prints the usage text, the version or the mistake. Returns -1 to go
 * on, else the exit status. */
int option_table_parse(const struct option_table *t, void *options, unsigned command, int argc,
                       char **argv);
void option_table_print_usage(const struct option_table *t);
/* Prints what is wrong with the options together. Returns 2, the exit status. */
int option_table_complain(const struct option_table *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Frees the texts: fields of option_name and option_optional, and of rows that say is_text. */
void option_table_dispose(const struct option_table *t, void *options);

/* For a parser: what is wrong. Returns ERR_INVALID. */
enum err option_fail(struct option_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What values may be; option_value.h says how they are written. */
option_parse_fn option_name;          /* char *: not empty */
option_parse_fn option_optional;      /* char *: "off" is NULL */
option_parse_fn option_listener;      /* struct addr; "off": family 0 */
option_parse_fn option_open_listener; /* struct addr */
option_parse_fn option_endpoint;      /* struct addr; "off": family 0 */
option_parse_fn option_ip;            /* struct addr */
option_parse_fn option_any_ip;        /* struct addr; "*" too */
option_parse_fn option_switch;        /* bool */
option_parse_fn option_number;        /* an unsigned field of 2, 4 or 8 bytes, from min to max */
option_parse_fn option_duration;      /* uint32_t or uint64_t in ms, from min to max: "1m30s" */
option_parse_fn option_log_level;     /* sets the program's; see OPTION_LOG_LEVEL */
