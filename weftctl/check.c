/* weftctl check [--pre]: one question to the cluster after the other, a line for each, and what to
 * do where the answer is not good. Main thread; blocking. Must not change anything.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/check.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "weftctl/check_priv.h"
#include "weftctl/output.h"
#include "weftctl/step.h"

enum { ARENA_BLOCK = 65536 };

void check_say(struct check *c, enum step_result result, const char *name, const char *format, ...)
{
    va_list args;
    char text[512];
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    c->failed += result == STEP_FAILED;
    c->warned += result == STEP_WARNING;
    if (c->form == OUTPUT_TEXT) {
        step_say(result, "%s: %s", name, text);
        return;
    }
    static const char *const words[] = {
        [STEP_OK] = "ok", [STEP_WARNING] = "warning", [STEP_FAILED] = "failed"};
    json_write_object(&c->json);
    json_write_field(&c->json, "check", slice_from_cstr(name));
    json_write_field(&c->json, "result", slice_from_cstr(words[result]));
    json_write_field(&c->json, "text", slice_from_cstr(text));
    json_write_object_end(&c->json);
}

const struct doc *check_get(struct check *c, const char *path, struct api_answer *answer)
{
    struct doc_error error;
    const struct doc *d = NULL;
    if (api_get(c->api, slice_from_cstr(path), answer) &&
        doc_json_parse(answer->body, &c->arena, &d, &error))
        snprintf(answer->detail, sizeof(answer->detail), "its answer is no JSON: %s", error.text);
    return d;
}

static void run(struct check *c, bool is_pre)
{
    struct buf text;
    buf_init(&text);
    json_write_init(&c->json, &text);
    json_write_array(&c->json);
    if (check_cluster(c) && !is_pre)
        check_installation(c);
    json_write_array_end(&c->json);
    if (c->form != OUTPUT_TEXT)
        output_print(&text, c->form);
    else if (c->failed)
        printf("\n%u checks failed\n", c->failed);
    buf_dispose(&text);
}

int check_run(int argc, char **argv)
{
    static const struct option longs[] = {
        {"pre", no_argument, NULL, 'p'},
        {"output", required_argument, NULL, 'o'},
        {"kubeconfig", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    struct check c = {0};
    const char *kubeconfig = NULL;
    bool is_pre = false, ok = true;
    int o;
    while (ok && (o = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
        is_pre |= o == 'p';
        if (o == 'k')
            kubeconfig = optarg;
        else if (o == 'o')
            ok = output_form_parse(optarg, &c.form);
        else
            ok = o == 'p';
    }
    if (!ok || optind != argc) {
        fputs("usage: weftctl check [--pre] [-o text|json|yaml] [--kubeconfig FILE]\n"
              "  --pre  only what must be so before an installation\n",
              stderr);
        return 2;
    }
    c.api = api_open(kubeconfig);
    if (!c.api)
        return 1;
    arena_init(&c.arena, ARENA_BLOCK);
    run(&c, is_pre);
    arena_dispose(&c.arena);
    api_close(c.api);
    return c.failed ? 1 : 0;
}
