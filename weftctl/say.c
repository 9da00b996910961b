/* The one way in which weftctl complains. Main thread.
 * Must not know what about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/say.h"

#include <stdarg.h>
#include <stdio.h>

static const char *verb = "";

void say_verb(const char *name)
{
    verb = name;
}

void say_error(const char *format, ...)
{
    va_list args;
    fprintf(stderr, "weftctl%s%s: ", *verb ? " " : "", verb);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}
