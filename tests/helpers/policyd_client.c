/* Data planes for tests of policyd, one or a thousand, which speak the real protocol and keep what
 * a real one would. Each line of stdin is a command (see run_command); what happens is a JSON line
 * on stdout. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/helpers/policyd_client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"

enum { PEM_MAX = 1 << 20, POLL_MS = 4 };

static void die(const char *what, const char *why)
{
    fprintf(stderr, "weft-policyd-client: %s: %s\n", what, why);
    exit(2);
}

/* ---- measuring: how long until everybody has the next update */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void policyd_client_note(struct fleet *f, struct data_plane *d)
{
    if (!f->mark_ns || d->marked)
        return;
    d->marked = true;
    f->times[f->time_count++] = (double)(clock_mono_ns() - f->mark_ns) / 1e6;
    if (f->time_count < f->count)
        return;
    qsort(f->times, f->time_count, sizeof *f->times, by_value);
    /* The mark is on the same clock as everybody's on this machine. */
    printf("{\"event\":\"all\",\"count\":%zu,\"mark_ms\":%.3f,\"p50_ms\":%.2f,"
           "\"p99_ms\":%.2f,\"max_ms\":%.2f}\n",
           f->time_count, (double)f->mark_ns / 1e6, f->times[f->time_count / 2],
           f->times[f->time_count - 1 - f->time_count / 100], f->times[f->time_count - 1]);
    fflush(stdout);
    f->mark_ns = 0;
}

static void mark(struct fleet *f)
{
    for (size_t i = 0; i < f->count; i++)
        f->planes[i].marked = false;
    f->time_count = 0;
    f->mark_ns = clock_mono_ns();
}

/* ---- commands */

static void run_command(struct fleet *f, char *line)
{
    char *space = strchr(line, ' '), *word = line, *rest = space ? space + 1 : NULL;
    if (space)
        *space = 0;
    if (strcmp(word, "mark") == 0)
        mark(f);
    else if (strcmp(word, "quit") == 0)
        loop_stop(f->loop);
    for (size_t i = 0; i < f->count; i++) {
        struct data_plane *d = &f->planes[i];
        if (!d->stream && strcmp(word, "reconnect") != 0)
            continue;
        if (strcmp(word, "add") == 0 && rest)
            policyd_client_ask(d, rest, NULL);
        else if (strcmp(word, "drop") == 0 && rest)
            policyd_client_ask(d, NULL, rest);
        else if (strcmp(word, "nack") == 0)
            d->mood = MOOD_REFUSING;
        else if (strcmp(word, "silent") == 0)
            d->mood = MOOD_SILENT;
        else if (strcmp(word, "forget") == 0)
            d->mood = MOOD_FORGETFUL;
        else if (strcmp(word, "hello") == 0)
            policyd_client_hello(d);
        else if (strcmp(word, "reconnect") == 0)
            policyd_client_connect(d);
        else if (strcmp(word, "raw") == 0 && rest)
            grpc_stream_send(d->stream, rest, strlen(rest));
    }
}

static void poll_stdin(struct timer *t)
{
    struct fleet *f = container_of(t, struct fleet, poll);
    ssize_t n = read(0, f->line + f->line_len, sizeof f->line - 1 - f->line_len);
    if (n == 0) {
        loop_stop(f->loop);
        return;
    }
    if (n > 0)
        f->line_len += (size_t)n;
    f->line[f->line_len] = 0;
    for (char *end; (end = strchr(f->line, '\n'));) {
        size_t used = (size_t)(end - f->line) + 1;
        *end = 0;
        run_command(f, f->line);
        memmove(f->line, f->line + used, f->line_len - used + 1);
        f->line_len -= used;
    }
    timer_start(&f->poll, POLL_MS);
}

/* ---- options */

static char *read_or_die(const char *path)
{
    char *text;
    size_t len;
    enum err e = file_read(path, PEM_MAX, &text, &len);
    if (e)
        die(path, err_text(e));
    return text;
}

/* unchecked: our own certificate is shown as it is, so that it is the server that judges it. */
static struct tls_ctx *make_ctx(const char *roots, const char *cert, const char *key,
                                const char *trust_domain, bool unchecked)
{
    static const char *const alpn[] = {"h2", NULL};
    char why[TLS_DETAIL_MAX];
    struct tls_ctx *ctx;
    char *pem[] = {read_or_die(roots), read_or_die(cert), read_or_die(key)};
    struct tls_mesh_config config = {
        .roots_pem = slice_from_cstr(pem[0]),
        .cert_chain_pem = slice_from_cstr(pem[1]),
        .key_pem = slice_from_cstr(pem[2]),
        .trust_domain = slice_from_cstr(trust_domain),
        .alpn = alpn,
    };
    struct tls_client_config stranger = {.roots_pem = config.roots_pem,
                                         .alpn = alpn,
                                         .cert_chain_pem = config.cert_chain_pem,
                                         .key_pem = config.key_pem};
    if (unchecked ? tls_ctx_create_client(&stranger, &ctx, why)
                  : tls_ctx_create_mesh(&config, &ctx, why))
        die("TLS", why);
    for (size_t i = 0; i < 3; i++)
        mem_free(pem[i]);
    return ctx;
}

static const char *option(int argc, char **argv, const char *name, const char *fallback)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return fallback;
}

static const char *needed(int argc, char **argv, const char *name)
{
    const char *value = option(argc, argv, name, NULL);
    if (!value)
        die(name, "is needed");
    return value;
}

/* "%" in --pod is the number of the data plane. */
static char *pod_name(const char *pattern, size_t number)
{
    const char *at = strchr(pattern, '%');
    if (!at)
        return mem_strdup(pattern);
    return mem_printf("%.*s%zu%s", (int)(at - pattern), pattern, number, at + 1);
}

/* Each asks for --per addresses of the list, from another place in it. */
static void give_addresses(struct fleet *f, struct data_plane *d, int argc, char **argv)
{
    size_t per = strtoul(option(argc, argv, "--per", "0"), NULL, 10);
    d->address_count = per && per < f->address_count ? per : f->address_count;
    d->addresses = mem_alloc((d->address_count + 1) * sizeof *d->addresses);
    for (size_t i = 0; i < d->address_count; i++)
        d->addresses[i] =
            f->addresses[((size_t)(d - f->planes) * d->address_count + i) % f->address_count];
}

static void read_addresses(struct fleet *f, char *text)
{
    size_t room = 16;
    f->addresses = mem_alloc(room * sizeof *f->addresses);
    for (char *rest = text, *one; (one = strsep(&rest, ", \n"));) {
        if (!*one)
            continue;
        if (f->address_count == room)
            f->addresses = mem_realloc(f->addresses, (room *= 2) * sizeof *f->addresses);
        f->addresses[f->address_count++] = one;
    }
}

static void make_planes(struct fleet *f, int argc, char **argv)
{
    const char *pod = option(argc, argv, "--pod", "");
    f->planes = mem_zalloc(f->count * sizeof *f->planes);
    f->times = mem_alloc(f->count * sizeof *f->times);
    for (size_t i = 0; i < f->count; i++) {
        struct data_plane *d = &f->planes[i];
        d->fleet = f;
        d->pod = pod_name(pod, i);
        d->pod_ip = (char *)option(argc, argv, "--pod-ip", "");
        d->gateway = (char *)option(argc, argv, "--gateway", "");
        map_init(&d->has);
        give_addresses(f, d, argc, argv);
        policyd_client_connect(d);
    }
}

static void free_planes(struct fleet *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct data_plane *d = &f->planes[i];
        policyd_client_forget(d);
        map_dispose(&d->has);
        if (d->client)
            grpc_client_destroy(d->client);
        mem_free(d->addresses);
        mem_free(d->pod);
    }
    mem_free(f->planes);
    mem_free(f->times);
    mem_free(f->addresses);
}

int main(int argc, char **argv)
{
    static struct fleet f;
    if (tls_lib_init())
        die("TLS", "cannot be started");
    f.trust_domain = option(argc, argv, "--trust-domain", "cluster.local");
    f.is_quiet = strcmp(option(argc, argv, "--quiet", "no"), "yes") == 0;
    f.count = strtoul(option(argc, argv, "--clients", "1"), NULL, 10);
    if (addr_parse(slice_from_cstr(needed(argc, argv, "--to")), &f.to) || !f.count)
        die("usage", "--to ADDR --roots FILE --cert FILE --key FILE [--pod NAME] …");
    f.tls = make_ctx(needed(argc, argv, "--roots"), needed(argc, argv, "--cert"),
                     needed(argc, argv, "--key"), f.trust_domain,
                     strcmp(option(argc, argv, "--unchecked", "no"), "yes") == 0);
    f.expect = mem_printf("spiffe://%s/ns/weft-system/sa/weft-policyd", f.trust_domain);
    f.loop = loop_create();
    char *addresses = mem_strdup(option(argc, argv, "--addresses", ""));
    if (*addresses == '@') {
        char *text = read_or_die(addresses + 1);
        mem_free(addresses);
        addresses = text;
    }
    read_addresses(&f, addresses);
    make_planes(&f, argc, argv);
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    timer_init(&f.poll, f.loop, poll_stdin);
    timer_start(&f.poll, POLL_MS);
    loop_run(f.loop);
    timer_stop(&f.poll);
    free_planes(&f);
    loop_destroy(f.loop);
    tls_ctx_unref(f.tls);
    mem_free(f.expect);
    mem_free(addresses);
    return 0;
}
