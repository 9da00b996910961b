/* weftctl check [--pre]: every probe at once, a line for each finding in the order of the table,
 * and the command that mends it. Main thread; blocking. Changes nothing: pods are made by dry run.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/check/check.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/tls/tls_ctx.h"
#include "weftctl/check/check_priv.h"
#include "weftctl/install/manifests.h"
#include "weftctl/output.h"
#include "weftctl/install/step.h"
#include "weftctl/verbs.h"

enum { ARENA_BLOCK = 65536, SETTLE_MS = 2000, POLL_MS = 250, PROGRESS_MS = 2000 };

/* One row, while it runs and when it is done. */
struct run {
    const struct probe *probe;
    struct finding *first, **last;
    bool is_chosen, is_done, is_printed;
};

struct check {
    struct api *api;
    struct asks *asks;
    struct arena arena; /* outlives asks */
    struct run *runs;
    struct run *now;
    struct doc_list manifests;
    bool has_manifests;
};

/* ---- what probes say ---- */

#define INSTALL "weftctl install"

/* Installing again must not change what was chosen when it was installed. */
static struct slice install_cure(struct check *c)
{
    struct slice image = look_argument(c, NULL), domain = look_argument(c, "--cluster-domain=");
    bool has_image = image.len && !slice_eq(image, SLICE("weft.local/weft:" WEFT_VERSION));
    bool has_domain = domain.len && !slice_eq(domain, SLICE("auto"));
    return arena_printf(&c->arena, INSTALL "%s%.*s%s%.*s", has_image ? " --image " : "",
                        has_image ? (int)image.len : 0, image.ptr,
                        has_domain ? " --cluster-domain " : "", has_domain ? (int)domain.len : 0,
                        domain.ptr);
}

static void say(struct check *c, enum step_result result, struct slice cure, const char *format,
                va_list args) __attribute__((format(printf, 4, 0)));
static void say(struct check *c, enum step_result result, struct slice cure, const char *format,
                va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof(text), format, args);
    struct finding *f = arena_zalloc(&c->arena, sizeof(*f));
    f->result = result;
    f->text = arena_copy(&c->arena, slice_from_cstr(text));
    if (!cure.len && result != STEP_OK)
        cure = slice_from_cstr(c->now->probe->cure);
    f->cure = slice_eq(cure, SLICE(INSTALL)) ? install_cure(c) : arena_copy(&c->arena, cure);
    *c->now->last = f;
    c->now->last = &f->next;
}

void check_ok(struct check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(c, STEP_OK, (struct slice){NULL, 0}, format, args);
    va_end(args);
}

void check_warn(struct check *c, struct slice cure, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(c, STEP_WARNING, cure, format, args);
    va_end(args);
}

void check_fail(struct check *c, struct slice cure, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(c, STEP_FAILED, cure, format, args);
    va_end(args);
}

void check_unanswered(struct check *c, const struct ask *a, const char *what)
{
    if (a->status == 403)
        check_warn(c, SLICE("kubectl auth can-i --list"), "%s: not asked, for want of rights: %.*s",
                   what, SLICE_ARG(a->detail));
    else
        check_fail(c, SLICE(""), "%s: %.*s", what, SLICE_ARG(a->detail));
}

bool check_is_good(const struct check *c)
{
    for (const struct finding *f = c->now->first; f; f = f->next)
        if (f->result != STEP_OK)
            return false;
    return true;
}

struct asks *check_asks(struct check *c)
{
    return c->asks;
}

struct arena *check_arena(struct check *c)
{
    return &c->arena;
}

const char *check_name(const struct check *c)
{
    return c->now->probe->name;
}

const struct doc_list *check_manifests(struct check *c)
{
    static const struct manifests_config config = {0};
    if (!c->has_manifests)
        c->has_manifests = manifests_load(&c->arena, &config, &c->manifests);
    return &c->manifests;
}

const struct doc *check_manifest(struct check *c, const char *kind, const char *name)
{
    const struct doc_list *all = check_manifests(c);
    for (size_t i = 0; i < all->count; i++)
        if (slice_eq_cstr(manifests_kind(all->items[i]), kind) &&
            slice_eq_cstr(manifests_name(all->items[i]), name))
            return all->items[i];
    return NULL;
}

/* ---- running them ---- */

static void open_check(struct check *c, struct api *a)
{
    *c = (struct check){.api = a};
    arena_init(&c->arena, ARENA_BLOCK);
    c->runs = arena_zalloc(&c->arena, check_probe_count * sizeof(*c->runs));
    for (size_t i = 0; i < check_probe_count; i++)
        c->runs[i].probe = &check_probes[i];
}

static void close_check(struct check *c)
{
    arena_dispose(&c->arena);
}

static bool has_failed(const struct run *r)
{
    for (const struct finding *f = r->first; f; f = f->next)
        if (f->result == STEP_FAILED)
            return true;
    return false;
}

static void run_one(struct check *c, struct run *r)
{
    c->now = r;
    r->first = NULL;
    r->last = &r->first;
    asks_begin(c->asks);
    r->probe->run(c);
    r->is_done = !asks_is_waiting(c->asks);
}

/* on_done is called after each that is complete; NULL: nobody. */
static void run_chosen(struct check *c, void (*on_done)(struct check *c, void *owner), void *owner)
{
    bool is_waiting = true;
    c->asks = asks_create(c->api);
    for (size_t i = 0; i < check_probe_count; i++)
        c->runs[i].is_done = !c->runs[i].is_chosen;
    while (is_waiting) {
        is_waiting = false;
        for (size_t i = 0; i < check_probe_count; i++) {
            if (!c->runs[i].is_done)
                run_one(c, &c->runs[i]);
            is_waiting |= !c->runs[i].is_done;
        }
        if (on_done)
            on_done(c, owner);
        if (is_waiting)
            asks_wait(c->asks);
    }
    asks_destroy(c->asks);
    c->asks = NULL;
}

static void on_time(struct timer *t)
{
    loop_stop(t->loop);
}

static void pause_for(struct check *c, uint32_t ms)
{
    struct timer timer;
    timer_init(&timer, api_loop(c->api), on_time);
    timer_start(&timer, ms);
    loop_run(api_loop(c->api));
    timer_stop(&timer);
}

/* Those that may have looked in the middle of something look again. */
static void look_twice(struct check *c, void (*on_done)(struct check *c, void *owner), void *owner)
{
    bool again = false;
    for (size_t i = 0; i < check_probe_count; i++) {
        struct run *r = &c->runs[i];
        r->is_chosen = r->is_chosen && r->probe->settles && has_failed(r);
        again |= r->is_chosen;
    }
    if (!again)
        return;
    pause_for(c, SETTLE_MS);
    run_chosen(c, on_done, owner);
}

/* ---- printing ---- */

static void print_run(const struct run *r)
{
    for (const struct finding *f = r->first; f; f = f->next)
        step_tell(f->result, r->probe->name, f->text, f->cure);
}

/* In the order of the table, as far as nothing can change any more. */
static void print_ready(struct check *c, void *owner)
{
    const bool *is_last_look = owner;
    for (size_t i = 0; i < check_probe_count; i++) {
        struct run *r = &c->runs[i];
        if (r->is_printed)
            continue;
        if (!r->is_done || (!*is_last_look && r->probe->settles && has_failed(r)))
            return;
        print_run(r);
        r->is_printed = true;
    }
}

static void write_run(const struct run *r, struct json_write *to)
{
    static const char *const words[] = {
        [STEP_OK] = "ok", [STEP_WARNING] = "warning", [STEP_FAILED] = "failed"};
    for (const struct finding *f = r->first; f; f = f->next) {
        json_write_object(to);
        json_write_field(to, "check", slice_from_cstr(r->probe->name));
        json_write_field(to, "result", slice_from_cstr(words[f->result]));
        json_write_field(to, "text", f->text);
        if (f->cure.len)
            json_write_field(to, "fix", f->cure);
        json_write_object_end(to);
    }
}

static void write_all(const struct check *c, struct json_write *to)
{
    json_write_array(to);
    for (size_t i = 0; i < check_probe_count; i++)
        write_run(&c->runs[i], to);
    json_write_array_end(to);
}

static unsigned count(const struct check *c, enum step_result result)
{
    unsigned n = 0;
    for (size_t i = 0; i < check_probe_count; i++)
        for (const struct finding *f = c->runs[i].first; f; f = f->next)
            n += f->result == result;
    return n;
}

/* ---- the verb ---- */

/* Where the API server does not answer, or Weft is to be installed first, there is no use in asking
 * further. */
static void run_all(struct check *c, bool is_pre, bool prints)
{
    bool is_last_look = false;
    void (*on_done)(struct check *, void *) = prints ? print_ready : NULL;
    for (size_t i = 0; i < check_probe_count; i++)
        c->runs[i].is_chosen = i == 0;
    run_chosen(c, NULL, NULL);
    bool is_there = !has_failed(&c->runs[0]);
    if (is_there) {
        for (size_t i = 1; i < check_probe_count; i++)
            c->runs[i].is_chosen = !is_pre || c->runs[i].probe->stage == PROBE_BEFORE;
        c->runs[0].is_chosen = false;
        run_chosen(c, on_done, &is_last_look);
    }
    is_last_look = true;
    if (is_there)
        look_twice(c, NULL, NULL);
    if (on_done)
        on_done(c, &is_last_look);
}

static int show(struct check *c, bool is_pre, enum output_form form)
{
    struct json_write json;
    struct buf text;
    run_all(c, is_pre, form == OUTPUT_TEXT);
    unsigned failed = count(c, STEP_FAILED), warned = count(c, STEP_WARNING);
    if (form != OUTPUT_TEXT) {
        buf_init(&text);
        json_write_init(&json, &text);
        write_all(c, &json);
        output_print(&text, form);
    } else if (failed || warned) {
        printf("\n%u failed, %u to note\n", failed, warned);
    }
    return failed ? 1 : 0;
}

static int list(void)
{
    for (size_t i = 0; i < check_probe_count; i++) {
        const struct probe *p = &check_probes[i];
        printf("%s\n      %s\n", p->name, p->asks);
        if (p->cure)
            printf("      fix: %s\n", p->cure);
    }
    return 0;
}

int check_run(int argc, char **argv)
{
    static const struct option longs[] = {
        {"pre", no_argument, NULL, 'p'},
        {"list", no_argument, NULL, 'l'},
        {"output", required_argument, NULL, 'o'},
        {"kubeconfig", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    struct check c;
    enum output_form form = OUTPUT_TEXT;
    const char *kubeconfig = NULL;
    bool is_pre = false, is_list = false, ok = true;
    int o;
    while (ok && (o = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
        is_pre |= o == 'p';
        is_list |= o == 'l';
        if (o == 'k')
            kubeconfig = optarg;
        else if (o == 'o')
            ok = output_form_parse(optarg, &form);
        else
            ok = o == 'p' || o == 'l';
    }
    if (!ok || optind != argc) {
        fputs("usage: weftctl check [--pre] [-o text|json|yaml] [--kubeconfig FILE]\n"
              "       weftctl check --list\n"
              "Asks every part of Weft in the cluster whether it works, and says how to mend what "
              "does not.\nChanges nothing; pods are made by dry run only.\n"
              "  --pre   only what must be so before an installation\n"
              "  --list  what is asked, without asking\n"
              "Exit status: 0 all is well (there may be notes), 1 something failed,\n"
              "2 wrong use, or no cluster is named.\n",
              stderr);
        return 2;
    }
    if (is_list)
        return list();
    struct api *a = tls_lib_init() ? NULL : api_open(kubeconfig);
    if (!a)
        return 2;
    open_check(&c, a);
    int status = show(&c, is_pre, form);
    close_check(&c);
    api_close(a);
    return status;
}

unsigned check_write(struct api *a, struct json_write *to)
{
    struct check c;
    open_check(&c, a);
    run_all(&c, false, false);
    write_all(&c, to);
    unsigned failed = count(&c, STEP_FAILED);
    close_check(&c);
    return failed;
}

/* ---- waiting ---- */

static bool is_named(const struct run *r, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(*names, r->probe->name) == 0)
            return true;
    return false;
}

static const struct run *first_failure(const struct check *c)
{
    for (size_t i = 0; i < check_probe_count; i++)
        if (has_failed(&c->runs[i]))
            return &c->runs[i];
    return NULL;
}

/* What is waited for, where it is something else than what was said before. */
static void show_progress(const struct run *r, char last[256], uint64_t now_ms, uint64_t *said_ms)
{
    char text[256];
    const struct finding *f = r->first;
    while (f->result != STEP_FAILED)
        f = f->next;
    snprintf(text, sizeof(text), "%s: %.*s", r->probe->name, SLICE_ARG(f->text));
    if (now_ms - *said_ms < PROGRESS_MS || strcmp(text, last) == 0)
        return;
    *said_ms = now_ms;
    snprintf(last, 256, "%s", text);
    step_tell(STEP_WAITING, r->probe->name, f->text, (struct slice){NULL, 0});
}

bool check_await(struct api *a, const char *const *names, uint32_t timeout_ms)
{
    uint64_t begin_ms = loop_now_ms(api_loop(a)), said_ms = begin_ms;
    char last[256] = "";
    for (;;) {
        struct check c;
        open_check(&c, a);
        for (size_t i = 0; i < check_probe_count; i++)
            c.runs[i].is_chosen = is_named(&c.runs[i], names);
        run_chosen(&c, NULL, NULL);
        const struct run *failure = first_failure(&c);
        uint64_t now_ms = loop_now_ms(api_loop(a));
        bool is_over = !failure || now_ms - begin_ms >= timeout_ms;
        if (is_over)
            for (size_t i = 0; i < check_probe_count; i++)
                print_run(&c.runs[i]);
        else
            show_progress(failure, last, now_ms, &said_ms);
        if (!is_over)
            pause_for(&c, POLL_MS);
        if (is_over && failure && timeout_ms)
            step_say(STEP_FAILED, "not within %u s", timeout_ms / 1000);
        close_check(&c);
        if (is_over)
            return !failure;
    }
}
