/* Lines of what goes on, for people. Main thread.
 * Must not know what is done.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/install/step.h"

#include <stdarg.h>
#include <stdio.h>

#include "weftctl/term.h"

enum { INDENT = 6, NARROWEST = 40 };

static void print_mark(enum step_result result)
{
    static const struct {
        const char *word;
        enum term_style style;
    } marks[] = {[STEP_OK] = {"ok  ", TERM_GOOD},
                 [STEP_WARNING] = {"note", TERM_WARN},
                 [STEP_FAILED] = {"FAIL", TERM_BAD},
                 [STEP_WAITING] = {"... ", TERM_DIM}};
    printf("%s%s%s  ", term_begin(stdout, marks[result].style), marks[result].word,
           term_end(stdout));
}

void step_say(enum step_result result, const char *format, ...)
{
    va_list args;
    print_mark(result);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* Columns as far as bytes that begin a character go. */
static size_t columns_of(struct slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += (text.ptr[i] & 0xc0) != 0x80;
    return n;
}

static void print_wrapped(struct slice text, size_t width, size_t at)
{
    struct slice word;
    bool is_first = true;
    while (slice_split(&text, ' ', &word)) {
        size_t need = columns_of(word);
        if (!is_first && width && at + 1 + need > width) {
            printf("\n%*s", INDENT, "");
            at = INDENT;
        } else if (!is_first) {
            putchar(' ');
            at++;
        }
        printf("%.*s", SLICE_ARG(word));
        at += need;
        is_first = false;
    }
    putchar('\n');
}

void step_tell(enum step_result result, const char *name, struct slice text, struct slice cure)
{
    size_t width = term_width(stdout);
    print_mark(result);
    printf("%s: ", name);
    print_wrapped(text, width < NARROWEST ? 0 : width, INDENT + strlen(name) + 2);
    if (cure.len)
        printf("%*sfix: %.*s\n", INDENT, "", SLICE_ARG(cure));
    fflush(stdout);
}
