/* weft-sidecar: picks the job (the data plane, writing iptables rules, or waiting for the data
 * plane) and hands over. Runs once, on the first thread; must not know how any is done.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "sidecar/control/app.h"
#include "sidecar/redirect/redirect_main.h"
#include "sidecar/control/settings.h"
#include "sidecar/control/wait.h"

int main(int argc, char **argv)
{
    struct settings settings;
    if (argc > 1 && strcmp(argv[1], "redirect") == 0)
        return redirect_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "wait") == 0)
        return wait_main(argc - 1, argv + 1);
    int status = settings_parse(&settings, argc, argv);
    if (status < 0)
        status = app_main(&settings);
    settings_dispose(&settings);
    return status;
}
