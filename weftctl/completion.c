/* Completion scripts, made from the list of verbs. Main thread.
 * Must not know what a verb does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <stdio.h>
#include <string.h>


static void print_verbs(const char *before, const char *behind)
{
    for (size_t i = 0; i < verbs_count; i++)
        printf("%s%s%s", before, verbs_all[i].name, behind);
}

static void print_bash(void)
{
    printf("_weftctl() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        words=\"");
    print_verbs("", " ");
    printf("\"\n    elif [[ $word == -* ]]; then\n        case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < verbs_count; i++)
        printf("        %s) words=\"%s\" ;;\n", verbs_all[i].name, verbs_all[i].options);
    printf("        esac\n"
           "    elif [ \"${COMP_WORDS[1]}\" = completion ]; then\n"
           "        words=\"bash zsh fish\"\n"
           "    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
           "}\n"
           "complete -o default -F _weftctl weftctl\n");
}

static void print_zsh(void)
{
    printf("#compdef weftctl\n_weftctl() {\n    local -a verbs\n    verbs=(\n");
    for (size_t i = 0; i < verbs_count; i++)
        printf("        '%s:%s'\n", verbs_all[i].name, verbs_all[i].what);
    printf("    )\n"
           "    if ((CURRENT == 2)); then\n"
           "        _describe verb verbs\n"
           "        return\n"
           "    fi\n"
           "    case $words[2] in\n");
    for (size_t i = 0; i < verbs_count; i++)
        if (*verbs_all[i].options)
            printf("    %s) compadd -- %s ;;\n", verbs_all[i].name, verbs_all[i].options);
    printf("    completion) compadd bash zsh fish ;;\n"
           "    esac\n"
           "    _files\n"
           "}\n"
           "compdef _weftctl weftctl\n");
}

static void print_fish_options(const struct verb *v)
{
    for (const char *p = v->options; *p;) {
        int len = (int)strcspn(p, " ");
        printf("complete -c weftctl -n '__fish_seen_subcommand_from %s' -l %.*s\n", v->name,
               len - 2, p + 2);
        p += len + (p[len] == ' ');
    }
}

static void print_fish(void)
{
    for (size_t i = 0; i < verbs_count; i++) {
        printf("complete -c weftctl -n __fish_use_subcommand -f -a %s -d '%s'\n", verbs_all[i].name,
               verbs_all[i].what);
        print_fish_options(&verbs_all[i]);
    }
    printf("complete -c weftctl -n '__fish_seen_subcommand_from completion' -f "
           "-a 'bash zsh fish'\n");
}

int completion_run(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    for (size_t i = 0; argc == 2 && i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(argv[1], shells[i].name) == 0) {
            shells[i].print();
            return 0;
        }
    }
    fputs("usage: weftctl completion bash|zsh|fish\n"
          "  bash: weftctl completion bash >/etc/bash_completion.d/weftctl\n"
          "  zsh:  weftctl completion zsh >\"${fpath[1]}/_weftctl\"\n"
          "  fish: weftctl completion fish >~/.config/fish/completions/weftctl.fish\n",
          stderr);
    return 2;
}
