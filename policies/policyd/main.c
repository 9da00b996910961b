/* weft-policyd: reads the options and hands over. Starts the TLS library before anything can use
 * it. Must not know what is served.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/tls/tls_ctx.h"
#include "policies/policyd/control_plane.h"
#include "policies/policyd/policyd_options.h"

int main(int argc, char **argv)
{
    struct policyd_options options;
    int status = policyd_options_parse(&options, argc, argv);
    if (status < 0 && tls_lib_init()) {
        fprintf(stderr, "weft-policyd: the TLS library cannot be started\n");
        status = 1;
    }
    if (status < 0)
        status = control_plane_run(&options);
    policyd_options_dispose(&options);
    return status;
}
