/* weftctl: the command line for people who write policies. Picks the verb and steps aside.
 * Must not know what a verb does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "weftctl/compile_show.h"
#include "weftctl/validate.h"

struct verb {
    const char *name, *what;
    int (*run)(int argc, char **argv);
};

static const struct verb verbs[] = {
    {"validate", "check a folder of policies", validate_run},
    {"compile", "show what one workload or gateway gets from a folder", compile_show_run},
};

static const size_t verb_count = sizeof(verbs) / sizeof(verbs[0]);

static void print_usage(FILE *to)
{
    fputs("usage: weftctl VERB ...\n", to);
    for (size_t i = 0; i < verb_count; i++)
        fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].what);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "--version") == 0) {
        puts("weftctl " WEFT_VERSION);
        return 0;
    }
    if (strcmp(verb, "--help") == 0) {
        print_usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verb, verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    if (*verb)
        fprintf(stderr, "weftctl: there is no verb \"%s\"\n", verb);
    print_usage(stderr);
    return 2;
}
