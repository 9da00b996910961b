/* A small HTTP server for tests and benchmarks: the app behind a sidecar, which knows nothing of a
 * mesh. It speaks HTTP/1, HTTP/2 by prior knowledge, and both over TLS; see http_echo_answer.h for
 * its paths. One thread, no configuration file. Prints "listening on ADDR:PORT" when it is ready.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/http/sniff.h"
#include "lib/io/file.h"
#include "lib/io/listener.h"
#include "lib/io/loop.h"
#include "lib/io/signals.h"
#include "lib/net/http_server.h"
#include "lib/net/tls_stream.h"
#include "tests/helpers/http_echo_answer.h"

enum { PEM_MAX = 1 << 20, RESETS_MAX = 1000000 };

enum speaks { SPEAKS_EITHER, SPEAKS_H1, SPEAKS_H2 };

struct app {
    struct loop *loop;
    struct listener *listener;
    struct signals *signals;
    struct tls_ctx *tls;
    enum speaks speaks;
    struct list conns;
    struct http_server_config http;
    struct http_echo_answer_options answer;
    bool stopping;
};

/* A connection; `stream` is ours until `http` takes it over. */
struct conn {
    struct app *app;
    struct list node;
    struct stream *stream;
    struct http_server *http;
    struct buf early;
    struct loop_task grave;
};

static void free_conn(struct loop_task *task)
{
    mem_free(container_of(task, struct conn, grave));
}

static void stop_if_idle(struct app *app)
{
    if (!app->stopping || !list_is_empty(&app->conns) || !app->signals)
        return;
    signals_close(app->signals);
    app->signals = NULL;
    loop_stop(app->loop);
}

static void end_conn(struct conn *c)
{
    struct app *app = c->app;
    list_unlink(&c->node);
    buf_dispose(&c->early);
    loop_bury(app->loop, &c->grave);
    stop_if_idle(app);
}

static struct http_stream *on_stream(struct http_server *s)
{
    struct conn *c = http_server_owner(s);
    return http_echo_answer_create(&c->app->answer);
}

static void on_closed(struct http_server *s, enum err why, const char *detail)
{
    LOG_D("app", "connection closed: %s%s%s", err_text(why), detail ? ": " : "",
          detail ? detail : "");
    end_conn(http_server_owner(s));
}

static void on_bad_request(struct http_server *s, unsigned status, const char *reason,
                           char id[MESSAGE_REQUEST_ID_SIZE])
{
    (void)s, (void)id;
    LOG_I("app", "refused a request: %u %s", status, reason);
}

static const struct http_server_events http_events = {
    .on_stream = on_stream,
    .on_closed = on_closed,
    .on_bad_request = on_bad_request,
};

static void serve(struct conn *c, enum http_protocol protocol)
{
    struct stream *transport = c->stream;
    c->stream = NULL;
    c->http = http_server_create(transport, protocol, &c->app->http, &http_events, c, &c->early);
}

static void drop(struct conn *c)
{
    stream_close(c->stream);
    end_conn(c);
}

/* Plain text: the first bytes tell. */
static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct conn *c = s->owner;
    char first[SNIFF_LINE_MAX + 1];
    buf_append_shared(&c->early, owner, data, len);
    size_t n = c->early.len < sizeof(first) ? c->early.len : sizeof(first);
    buf_copy_out(&c->early, first, n);
    switch (sniff_bytes((const uint8_t *)first, n, NULL)) {
    case SNIFF_MORE:
        break;
    case SNIFF_H2:
        serve(c, HTTP_PROTOCOL_2);
        break;
    default:
        /* What is no HTTP at all gets its refusal from the HTTP/1 codec. */
        serve(c, HTTP_PROTOCOL_1);
        break;
    }
}

static void on_eof(struct stream *s)
{
    drop(s->owner);
}

static void on_fail(struct stream *s, enum err why)
{
    struct stream_info info;
    stream_info(s, &info);
    LOG_I("app", "connection failed: %s%s%s", err_text(why), info.fail_detail ? ": " : "",
          info.fail_detail ? info.fail_detail : "");
    drop(s->owner);
}

/* TLS: ALPN tells. */
static void on_open(struct stream *s)
{
    struct stream_info info;
    stream_info(s, &info);
    serve(s->owner, slice_eq(info.alpn, SLICE("h2")) ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1);
}

static const struct stream_events first_events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_fail = on_fail,
};

static void on_accept(struct listener *l, struct stream *accepted)
{
    struct app *app = listener_owner(l);
    struct conn *c = mem_zalloc(sizeof(*c));
    c->app = app;
    buf_init(&c->early);
    loop_task_init(&c->grave, free_conn);
    list_link_last(&app->conns, &c->node);
    if (app->tls) {
        struct tls_stream_options options = {0};
        c->stream = tls_stream_create(accepted, app->tls, &options, NULL, &first_events, c);
        return;
    }
    c->stream = accepted;
    if (app->speaks != SPEAKS_EITHER) {
        serve(c, app->speaks == SPEAKS_H2 ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1);
        return;
    }
    stream_use(accepted, &first_events, c);
    stream_read_start(accepted);
}

/* The first signal lets what is under way end, the second does not. */
static void on_signal(void *owner, int signal_number)
{
    struct app *app = owner;
    bool again = app->stopping;
    (void)signal_number;
    if (!again)
        listener_close(app->listener);
    app->stopping = true;
    LIST_FOREACH_SAFE(node, next, &app->conns)
    {
        struct conn *c = container_of(node, struct conn, node);
        if (!c->http)
            drop(c);
        else if (again)
            http_server_close(c->http);
        else
            http_server_drain(c->http);
    }
    stop_if_idle(app);
}

static struct tls_ctx *load_tls(const char *cert_path, const char *key_path, enum speaks speaks)
{
    static const char *const either[] = {"h2", "http/1.1", NULL};
    char *cert = NULL, *key = NULL, detail[TLS_DETAIL_MAX] = "cannot read the files";
    struct tls_ctx *ctx = NULL;
    struct tls_public_cert one = {0};
    struct tls_public_config config = {.certs = &one, .cert_count = 1};
    config.alpn = speaks == SPEAKS_H1 ? either + 1 : either;
    enum err e = tls_lib_init();
    if (!e)
        e = file_read(cert_path, PEM_MAX, &cert, &one.cert_chain_pem.len);
    if (!e)
        e = file_read(key_path, PEM_MAX, &key, &one.key_pem.len);
    one.cert_chain_pem.ptr = cert;
    one.key_pem.ptr = key;
    if (!e)
        e = tls_ctx_create_public(&config, &ctx, detail);
    if (e)
        fprintf(stderr, "weft-test-app: --tls %s %s: %s: %s\n", cert_path, key_path, err_text(e),
                detail);
    mem_free(cert);
    mem_free(key);
    return e ? NULL : ctx;
}

static int usage(void)
{
    fputs(
        "usage: weft-test-app [--listen ADDR:PORT] [--h1 | --h2c] [--tls CERT,KEY] [--name NAME]\n"
        "                     [--status NNN] [--debug]\n"
        "Answers /, /echo, /headers, /status/NNN, /early/NNN, /bytes/N, /delay/MS, /slow/N/MS,\n"
        "/trailers and /reset over HTTP/1 and HTTP/2. --status answers everything with NNN.\n",
        stderr);
    return 2;
}

static const struct option long_options[] = {
    {"listen", required_argument, NULL, 'l'}, {"h1", no_argument, NULL, '1'},
    {"h2c", no_argument, NULL, '2'},          {"tls", required_argument, NULL, 't'},
    {"name", required_argument, NULL, 'n'},   {"status", required_argument, NULL, 's'},
    {"debug", no_argument, NULL, 'd'},        {NULL, 0, NULL, 0},
};

/* Where it listens, and the two files of --tls. */
struct arguments {
    struct addr at;
    char *cert, *key;
};

static bool read_arguments(struct app *app, struct arguments *args, int argc, char **argv)
{
    int option;
    bool fine = true;
    while (fine && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 'l':
            fine = addr_parse(slice_from_cstr(optarg), &args->at) == ERR_OK;
            break;
        case '1':
            app->speaks = SPEAKS_H1;
            break;
        case '2':
            app->speaks = SPEAKS_H2;
            break;
        case 't':
            args->cert = optarg;
            args->key = strchr(optarg, ',');
            fine = args->key != NULL;
            if (fine)
                *args->key++ = '\0';
            break;
        case 'n':
            app->answer.name = optarg;
            break;
        case 's':
            app->answer.always = (unsigned)strtoul(optarg, NULL, 10);
            fine = app->answer.always >= 200 && app->answer.always <= 999;
            break;
        case 'd':
            log_threshold = LOG_DEBUG;
            break;
        default:
            fine = false;
        }
    }
    return fine && optind == argc;
}

static int run(struct app *app, const struct addr *at)
{
    struct listener_options options = {.reuse_port = false};
    char text[ADDR_TEXT_MAX];
    struct addr bound;
    enum err e = listener_open(app->loop, at, &options, on_accept, app, &app->listener);
    if (e) {
        fprintf(stderr, "weft-test-app: cannot listen on %s: %s\n", addr_format(at, text),
                err_text(e));
        return 1;
    }
    app->signals = signals_open(app->loop, on_signal, app);
    listener_addr(app->listener, &bound);
    printf("listening on %s\n", addr_format(&bound, text));
    fflush(stdout);
    loop_run(app->loop);
    return 0;
}

int main(int argc, char **argv)
{
    static struct app app = {.answer = {.name = "weft-test-app"}};
    struct arguments args = {.at = {.family = 4, .ip = {127, 0, 0, 1}}};
    if (!read_arguments(&app, &args, argc, argv))
        return usage();
    if (args.cert && !(app.tls = load_tls(args.cert, args.key, app.speaks)))
        return 1;
    list_init(&app.conns);
    app.http.scheme = app.tls ? SLICE("https") : SLICE("http");
    app.http.max_resets = RESETS_MAX;
    app.loop = app.answer.loop = loop_create();
    int code = run(&app, &args.at);
    loop_destroy(app.loop);
    tls_ctx_unref(app.tls);
    return code;
}
