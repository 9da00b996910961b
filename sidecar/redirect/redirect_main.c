/* `weft-sidecar redirect` from its arguments to its exit status. One thread, blocking. Must not
 * know how rules look nor how they get into the kernel.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_main.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "sidecar/redirect/redirect_apply.h"
#include "sidecar/redirect/redirect_options.h"
#include "sidecar/redirect/redirect_rules.h"

static void print_family(const struct redirect_options *o, unsigned family, const char *command)
{
    struct buf text;
    buf_init(&text);
    if (redirect_rules_apply(o, family, (struct slice){NULL, 0}, &text)) {
        printf("# %s --noflush\n", command);
        while (!buf_is_empty(&text)) {
            struct slice part = buf_front(&text);
            fwrite(part.ptr, 1, part.len, stdout);
            buf_drain(&text, part.len);
        }
    }
    buf_dispose(&text);
}

static int print_rules(const struct redirect_options *o)
{
    print_family(o, 4, "iptables-restore");
    if (o->ipv6 != REDIRECT_IPV6_OFF)
        print_family(o, 6, "ip6tables-restore");
    return 0;
}

int redirect_main(int argc, char **argv)
{
    static struct redirect_options o;
    int status = redirect_options_parse(&o, argc, argv);
    if (status >= 0)
        return status;
    switch (o.action) {
    case REDIRECT_PRINT:
        return print_rules(&o);
    case REDIRECT_REMOVE:
        return redirect_apply_remove();
    default:
        return redirect_apply(&o);
    }
}
