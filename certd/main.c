/* weft-certd: picks the job and hands over. Starts the TLS library before anything can use it.
 * Must not know what the jobs do.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "certd/certd.h"
#include "certd/options.h"
#include "lib/tls/tls_ctx.h"

int main(int argc, char **argv)
{
    struct options options;
    int status = options_parse(&options, argc, argv);
    if (status < 0 && tls_lib_init()) {
        fprintf(stderr, "weft-certd: the TLS library cannot be started\n");
        status = 1;
    }
    if (status < 0)
        status = options.is_token_create ? certd_create_token(&options) : certd_serve(&options);
    options_dispose(&options);
    return status;
}
