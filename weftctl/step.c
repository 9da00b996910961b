/* Lines of what goes on, for people. Main thread.
 * Must not know what is done.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/step.h"

#include <stdarg.h>
#include <stdio.h>

#include "weftctl/term.h"

void step_say(enum step_result result, const char *format, ...)
{
    static const struct {
        const char *word;
        enum term_style style;
    } marks[] = {[STEP_OK] = {"ok  ", TERM_GOOD},
                 [STEP_WARNING] = {"note", TERM_WARN},
                 [STEP_FAILED] = {"FAIL", TERM_BAD}};
    va_list args;
    printf("%s%s%s  ", term_begin(stdout, marks[result].style), marks[result].word,
           term_end(stdout));
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}
