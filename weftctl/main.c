/* weftctl: the command line for people who run a mesh and write its policies. Picks the verb and
 * steps aside. Must not know what a verb does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <getopt.h>
#include <stdbool.h>
#include <unistd.h>

#include "weftctl/verbs.h"

static void print_usage(FILE *to)
{
    fputs("usage: weftctl VERB ...\n", to);
    for (size_t i = 0; i < verbs_count; i++)
        fprintf(to, "  %-14s %s\n", verbs_all[i].name, verbs_all[i].what);
}

static bool wants_help(int argc, char **argv)
{
    return argc == 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
}

/* A verb that does not understand says how it is used: here that is the answer, and no mistake. */
static int explain_use(const struct verb *verb, int argc, char **argv)
{
    opterr = 0;
    dup2(STDOUT_FILENO, STDERR_FILENO);
    (void)verb->run(argc - 1, argv + 1);
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "--version") == 0) {
        puts("weftctl " WEFT_VERSION);
        return 0;
    }
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 || strcmp(verb, "help") == 0) {
        print_usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < verbs_count; i++)
        if (strcmp(verb, verbs_all[i].name) == 0 && wants_help(argc, argv))
            return explain_use(&verbs_all[i], argc, argv);
        else if (strcmp(verb, verbs_all[i].name) == 0)
            return verbs_all[i].run(argc - 1, argv + 1);
    if (*verb)
        fprintf(stderr, "weftctl: there is no verb \"%s\"\n", verb);
    print_usage(stderr);
    return 2;
}
