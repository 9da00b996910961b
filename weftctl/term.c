/* Is the reader a terminal, and the escapes for it. Main thread.
 * Must not know what is being said.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/term.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/slice.h"

static bool has_colours(FILE *to)
{
    const char *refused = getenv("NO_COLOR"), *kind = getenv("TERM");
    if ((refused && *refused) || !kind || strcmp(kind, "dumb") == 0)
        return false;
    return isatty(fileno(to)) == 1;
}

const char *term_begin(FILE *to, enum term_style style)
{
    static const char *const escapes[] = {
        [TERM_PLAIN] = "",        [TERM_BOLD] = "\x1b[1m", [TERM_DIM] = "\x1b[2m",
        [TERM_GOOD] = "\x1b[32m", [TERM_BAD] = "\x1b[31m", [TERM_WARN] = "\x1b[33m",
    };
    return has_colours(to) ? escapes[style] : "";
}

const char *term_end(FILE *to)
{
    return has_colours(to) ? "\x1b[0m" : "";
}

size_t term_width(FILE *to)
{
    struct winsize size;
    uint64_t columns;
    if (slice_to_u64(slice_from_cstr(getenv("COLUMNS")), &columns) == ERR_OK)
        return columns;
    if (isatty(fileno(to)) == 1 && ioctl(fileno(to), TIOCGWINSZ, &size) == 0)
        return size.ws_col;
    return 0;
}
