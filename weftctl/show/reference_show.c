/* weftctl reference: the page docs/reference/kinds.md on stdout. Main thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <stdio.h>

#include "policies/describe/reference.h"
#include "weftctl/output.h"

int reference_show_run(int argc, char **argv)
{
    struct buf text;
    (void)argv;
    if (argc != 1) {
        fputs("usage: weftctl reference\n", stderr);
        return 2;
    }
    buf_init(&text);
    reference_write(&text);
    output_flush(&text);
    buf_dispose(&text);
    return 0;
}
