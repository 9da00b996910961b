/* weftctl inject -f FILE: the documents of a file with sidecars in their pods, on stdout as YAML;
 * what was done to which object on stderr. The same as the webhook does, from the same code. Main
 * thread. Must not know what a sidecar looks like. SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/codec/doc/doc_yaml.h"
#include "lib/inject/inject_document.h"
#include "lib/kube/kube_name.h"
#include "weftctl/output.h"
#include "weftctl/say.h"

enum { ARENA_BLOCK = 65536 };

struct run {
    struct inject_config config;
    struct slice namespace_name;
    const char *file, *cluster_domain;
    struct slice discovery, certd; /* "weft-certd.weft-system.svc:15012": completed by the domain */
    unsigned pods, refused;
};

static bool read_options(int argc, char **argv, struct run *r)
{
    static const struct option longs[] = {
        {"file", required_argument, NULL, 'f'},         {"namespace", required_argument, NULL, 'n'},
        {"image", required_argument, NULL, 'i'},        {"classic", no_argument, NULL, 'c'},
        {"discovery", required_argument, NULL, 'd'},    {"certd", required_argument, NULL, 'a'},
        {"trust-domain", required_argument, NULL, 't'},
        {"cluster-domain", required_argument, NULL, 'C'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "f:n:", longs, NULL)) != -1) {
        struct slice value = slice_from_cstr(optarg);
        if (c == 'f')
            r->file = optarg;
        else if (c == 'n')
            r->namespace_name = value;
        else if (c == 'i')
            r->config.image = value;
        else if (c == 'c')
            r->config.native = false;
        else if (c == 'd')
            r->discovery = value;
        else if (c == 'a')
            r->certd = value;
        else if (c == 't')
            r->config.trust_domain = value;
        else if (c == 'C')
            r->cluster_domain = optarg;
        else
            return false;
    }
    return r->file && optind == argc;
}

/* NULL, and a message: it cannot be read. */
static char *read_all(const char *path, size_t *len)
{
    bool is_stdin = path[0] == '-' && !path[1];
    FILE *f = is_stdin ? stdin : fopen(path, "re");
    char *text = mem_alloc(DOC_YAML_TEXT_MAX + 1);
    *len = f ? fread(text, 1, DOC_YAML_TEXT_MAX + 1, f) : 0;
    bool ok = f && !ferror(f);
    if (!ok)
        say_error("%s cannot be read: %m", path);
    if (f && !is_stdin)
        fclose(f);
    if (ok)
        return text;
    mem_free(text);
    return NULL;
}

static void report(void *owner, struct slice object, const struct inject_result *result)
{
    static const char *const words[] = {
        [INJECT_PATCHED] = "injected", [INJECT_SKIPPED] = "skipped", [INJECT_REFUSED] = "refused"};
    struct run *r = owner;
    r->pods++;
    r->refused += result->verdict == INJECT_REFUSED;
    fprintf(stderr, "%.*s: %s%s%.*s\n", SLICE_ARG(object), words[result->verdict],
            result->why.len ? ": " : "", SLICE_ARG(result->why));
    if (result->inherited.len)
        fprintf(stderr, "%.*s: not its own: %.*s\n", SLICE_ARG(object),
                SLICE_ARG(result->inherited));
    for (size_t i = 0; i < result->warning_count; i++)
        fprintf(stderr, "%.*s: warning: %.*s\n", SLICE_ARG(object), SLICE_ARG(result->warnings[i]));
}

/* Nothing is printed unless all of it can be: half a file would be applied as if it were whole. */
static int inject_text(struct run *r, struct slice text)
{
    struct arena arena;
    struct doc_list list;
    struct doc_error error;
    struct buf out;
    arena_init(&arena, ARENA_BLOCK);
    buf_init(&out);
    enum err e = doc_yaml_parse(text, &arena, &list, &error);
    if (e)
        say_error("%s:%u: %s", r->file, error.line, error.text);
    struct inject_files files = {&r->config, r->namespace_name, list};
    for (size_t i = 0; !e && i < list.count; i++) {
        if (i)
            buf_append_slice(&out, SLICE("---\n"));
        doc_write_yaml(&out, inject_document(&files, list.items[i], &arena, report, r));
    }
    bool ok = !e && !r->refused;
    if (ok)
        output_flush(&out);
    if (ok && !r->pods)
        say_error("%s: there are no pods in it", r->file);
    buf_dispose(&out);
    arena_dispose(&arena);
    return ok ? 0 : 1;
}

int inject_run(int argc, char **argv)
{
    struct run r = {
        .config = INJECT_CONFIG_DEFAULT,
        .cluster_domain = KUBE_NAME_DOMAIN,
        .discovery = SLICE("weft-policyd.weft-system.svc:15012"),
        .certd = SLICE("weft-certd.weft-system.svc:15012"),
    };
    size_t len;
    if (!read_options(argc, argv, &r)) {
        fputs("usage: weftctl inject -f FILE|- [-n NAMESPACE] [--image NAME] [--classic]\n"
              "                      [--discovery ADDR] [--certd ADDR] [--trust-domain NAME]\n"
              "                      [--cluster-domain NAME]\n"
              "  -f FILE    YAML or JSON; - is standard input. A Namespace, LimitRanges and a\n"
              "             MeshConfig in it count for its pods as they do in a cluster\n"
              "  --classic  an ordinary container, for Kubernetes before 1.29\n",
              stderr);
        return 2;
    }
    char *text = read_all(r.file, &len);
    if (!text)
        return 1;
    struct slice domain = slice_from_cstr(r.cluster_domain);
    char *discovery = kube_name_complete(r.discovery, domain);
    char *certd = kube_name_complete(r.certd, domain);
    r.config.discovery = slice_from_cstr(discovery);
    r.config.certd = slice_from_cstr(certd);
    int status = inject_text(&r, slice_of(text, len));
    mem_free(discovery);
    mem_free(certd);
    mem_free(text);
    return status;
}
