/* weft-injector: reads its options and serves. Starts the TLS library before anything can use it.
 * Must not know what the webhooks do.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "injector/injector.h"
#include "injector/injector_options.h"
#include "lib/tls/tls_ctx.h"

int main(int argc, char **argv)
{
    struct injector_options options;
    int status = injector_options_parse(&options, argc, argv);
    if (status < 0 && tls_lib_init()) {
        fprintf(stderr, "weft-injector: the TLS library cannot be started\n");
        status = 1;
    }
    if (status < 0)
        status = injector_serve(&options);
    injector_options_dispose(&options);
    return status;
}
