/* See program_bed.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/program_bed.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_priv.h"
#include "lib/io/loop_sim.h"
#include "lib/io/signals.h"
#include "lib/io/watch.h"
#include "lib/kube/kube_config.h"
#include "lib/net/tls_stream.h"
#include "tests/sim/fake_clock.h"
#include "tests/unit/lib/base/cmocka_base.h"

enum { WATCHES_MAX = 4, ANSWER_MAX = 65536 };

struct signals {
    signals_fn on_signal;
    void *owner;
};

struct watch {
    watch_fn changed;
    void *owner;
};

static struct {
    void (*before)(void), (*script)(void);
    struct loop *loop;
    struct fake_kube *kube;
    struct signals *signals;
    struct watch *watches[WATCHES_MAX];
    bool has_clock;
} program;

/* ---- in the place of the system ---- */

struct loop *__wrap_loop_create(void);
void __wrap_loop_run(struct loop *l);
void __wrap_loop_destroy(struct loop *l);
void __real_loop_destroy(struct loop *l);
enum err __wrap_kube_config_load(const char *path, struct kube_config *out,
                                 char detail[KUBE_DETAIL_MAX]);
struct kube_client *__wrap_kube_client_create(struct loop *l, struct kube_config *config);
struct kube_client *__real_kube_client_create(struct loop *l, struct kube_config *config);
time_t __wrap_time(time_t *out);
time_t __real_time(time_t *out);

struct loop *__wrap_loop_create(void)
{
    assert_null(program.loop);
    program.loop = loop_sim_create(1000);
    fake_clock_follow(program.loop);
    program.has_clock = true;
    sim_net_open(program.loop);
    program.kube = fake_kube_open(program.loop);
    if (program.before)
        program.before();
    return program.loop;
}

void __wrap_loop_run(struct loop *l)
{
    assert_ptr_equal(l, program.loop);
    assert_true(loop_sim_turn(l));
    program.script();
}

void __wrap_loop_destroy(struct loop *l)
{
    assert_true(loop_sim_turn(l));
    fake_kube_close(program.kube);
    program.kube = NULL;
    assert_true(loop_sim_turn(l));
    assert_int_equal(sim_net_streams(), 0);
    assert_int_equal(sim_net_listeners(), 0);
    sim_net_close();
    program.has_clock = false;
    fake_clock_follow(NULL);
    program.loop = NULL;
    __real_loop_destroy(l);
}

/* Certificates are as old as the program thinks. */
time_t __wrap_time(time_t *out)
{
    if (!program.has_clock)
        return __real_time(out);
    time_t now = (time_t)(clock_wall_ms() / 1000);
    if (out)
        *out = now;
    return now;
}

enum err __wrap_kube_config_load(const char *path, struct kube_config *out,
                                 char detail[KUBE_DETAIL_MAX])
{
    (void)path;
    (void)detail;
    *out = (struct kube_config){.host = mem_strdup("192.0.2.1")};
    return ERR_OK;
}

/* The API server in memory makes its clients by the same name. */
struct kube_client *__wrap_kube_client_create(struct loop *l, struct kube_config *config)
{
    static bool is_inside;
    if (is_inside || !program.kube)
        return __real_kube_client_create(l, config);
    kube_config_dispose(config);
    is_inside = true;
    struct kube_client *made = fake_kube_another_client(program.kube);
    is_inside = false;
    return made;
}

struct signals *signals_open(struct loop *l, signals_fn on_signal, void *owner)
{
    (void)l;
    assert_null(program.signals);
    program.signals = mem_zalloc(sizeof(*program.signals));
    *program.signals = (struct signals){on_signal, owner};
    return program.signals;
}

void signals_close(struct signals *s)
{
    assert_ptr_equal(s, program.signals);
    mem_free(s);
    program.signals = NULL;
}

enum err watch_open(struct loop *l, const char *path, watch_fn changed, void *owner,
                    struct watch **out)
{
    (void)l;
    (void)path;
    size_t i = 0;
    while (i < WATCHES_MAX && program.watches[i])
        i++;
    assert_true(i < WATCHES_MAX);
    *out = program.watches[i] = mem_zalloc(sizeof(**out));
    **out = (struct watch){changed, owner};
    return ERR_OK;
}

void watch_close(struct watch *w)
{
    for (size_t i = 0; i < WATCHES_MAX; i++)
        if (program.watches[i] == w)
            program.watches[i] = NULL;
    mem_free(w);
}

/* ---- for tests ---- */

int program_set_up(void **state)
{
    return fake_kube_set_up(state);
}

int program_tear_down(void **state)
{
    return fake_kube_tear_down(state);
}

int program_run(int (*serve)(void), void (*before)(void), void (*script)(void))
{
    program.before = before;
    program.script = script;
    int status = serve();
    assert_null(program.loop);
    assert_null(program.signals);
    for (size_t i = 0; i < WATCHES_MAX; i++)
        assert_null(program.watches[i]);
    return status;
}

struct loop *program_loop(void)
{
    return program.loop;
}

struct fake_kube *program_kube(void)
{
    return program.kube;
}

void program_advance(uint64_t ms)
{
    loop_sim_advance(program.loop, ms);
    assert_true(loop_sim_turn(program.loop));
}

void program_signal(int number)
{
    assert_non_null(program.signals);
    program.signals->on_signal(program.signals->owner, number);
    assert_true(loop_sim_turn(program.loop));
}

void program_touch_files(void)
{
    for (size_t i = 0; i < WATCHES_MAX; i++)
        if (program.watches[i])
            program.watches[i]->changed(program.watches[i]->owner);
    assert_true(loop_sim_turn(program.loop));
}

bool program_is_over(void)
{
    return program.loop->stop_asked;
}

struct stream *program_dial(const char *at)
{
    static uint16_t port = 40000;
    struct addr to, from = {.family = 4, .ip = {10, 0, 0, 7}, .port = port++};
    struct stream *near, *far;
    assert_int_equal(addr_parse(slice_from_cstr(at), &to), ERR_OK);
    assert_true(sim_net_listens_at(&to));
    sim_net_pair(NULL, &from, &to, NULL, &near, &far);
    sim_net_arrive(&to, far);
    return near;
}

/* ---- one plain request ---- */

struct asking {
    size_t len;
    bool is_over;
    char text[ANSWER_MAX];
};

static void on_asking_open(struct stream *s)
{
    (void)s;
}

static void on_asking_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct asking *a = s->owner;
    (void)owner;
    assert_true(a->len + len < sizeof(a->text));
    memcpy(a->text + a->len, data, len);
    a->len += len;
    a->text[a->len] = '\0';
}

static void on_asking_eof(struct stream *s)
{
    ((struct asking *)s->owner)->is_over = true;
}

static void on_asking_fail(struct stream *s, enum err why)
{
    (void)why;
    ((struct asking *)s->owner)->is_over = true;
}

static struct asking asking;
static const struct stream_events asking_events = {.on_open = on_asking_open,
                                                   .on_data = on_asking_data,
                                                   .on_eof = on_asking_eof,
                                                   .on_fail = on_asking_fail};

/* Takes text. */
static const char *say(struct stream *s, char *text)
{
    struct buf request;
    asking.len = 0;
    asking.text[0] = '\0';
    stream_read_start(s);
    buf_init(&request);
    buf_append_slice(&request, slice_from_cstr(text));
    stream_write(s, &request);
    assert_true(loop_sim_turn(program.loop));
    stream_close(s);
    assert_true(loop_sim_turn(program.loop));
    mem_free(text);
    return asking.text;
}

const char *program_ask(const char *at, const char *method, const char *path)
{
    struct stream *s = program_dial(at);
    stream_use(s, &asking_events, &asking);
    return say(s, mem_printf("%s %s HTTP/1.1\r\nhost: x\r\n\r\n", method, path));
}

const char *program_post(const char *at, const char *roots, const char *name, const char *path,
                         const char *json)
{
    struct tls_ctx *tls;
    char why[TLS_DETAIL_MAX];
    struct tls_client_config config = {.roots_pem = slice_from_cstr(roots)};
    struct tls_stream_options options = {.server_name = slice_from_cstr(name)};
    if (tls_ctx_create_client(&config, &tls, why))
        fail_msg("%s", why);
    struct stream *s =
        tls_stream_create(program_dial(at), tls, &options, NULL, &asking_events, &asking);
    tls_ctx_unref(tls);
    return say(s, mem_printf("POST %s HTTP/1.1\r\nhost: %s\r\ncontent-type: application/json\r\n"
                             "content-length: %zu\r\n\r\n%s",
                             path, name, strlen(json), json));
}

void program_expect(const char *at, const char *path, unsigned status, const char *part)
{
    char line[32];
    snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
    const char *got = program_ask(at, "GET", path);
    if (strncmp(got, line, strlen(line)) != 0 || !strstr(got, part))
        fail_msg("%s: want %u and \"%s\", got:\n%s", path, status, part, got);
}
