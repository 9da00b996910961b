/* weftctl: the command line for people who run a mesh and write its policies. Picks the verb and
 * steps aside. Must not know what a verb does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <getopt.h>
#include <stdbool.h>
#include <unistd.h>

#include "lib/base/similar.h"
#include "lib/kube/kube_config.h"
#include "weftctl/say.h"
#include "weftctl/verbs.h"

static void print_usage(FILE *to)
{
    fputs("usage: weftctl VERB [--context NAME] ...\n", to);
    for (size_t i = 0; i < verbs_count; i++)
        fprintf(to, "  %-14s %s\n", verbs_all[i].name, verbs_all[i].what);
}

/* Of every verb: which context of the kubeconfig. Taken out of argv; false: it has no value. */
static bool take_context(int *argc, char **argv)
{
    static const char option[] = "--context";
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        bool is_it = strncmp(argv[i], option, sizeof(option) - 1) == 0;
        const char *value = is_it ? argv[i] + sizeof(option) - 1 : NULL;
        if (strcmp(argv[i], "--") == 0 || !value || (*value && *value != '=')) {
            argv[kept++] = argv[i];
            continue;
        }
        value = *value ? value + 1 : i + 1 < *argc ? argv[++i] : "";
        if (!*value)
            return false;
        kube_config_use_context(value);
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

static void suggest(const char *verb)
{
    struct similar near = similar_to(slice_from_cstr(verb));
    for (size_t i = 0; i < verbs_count; i++)
        similar_try(&near, slice_from_cstr(verbs_all[i].name));
    if (near.best.ptr)
        say_error("there is no verb \"%s\"; did you mean %.*s?", verb, SLICE_ARG(near.best));
    else
        say_error("there is no verb \"%s\": weftctl --help names them", verb);
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

static int run(const struct verb *verb, int argc, char **argv)
{
    say_verb(verb->name);
    return verb->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    if (!take_context(&argc, argv)) {
        say_error("--context needs the name of a context");
        return 2;
    }
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
            return run(&verbs_all[i], argc, argv);
    if (*verb)
        suggest(verb);
    else
        print_usage(stderr);
    return 2;
}
