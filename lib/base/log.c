/* Log lines: made on any thread, into that thread's rings where it has them, else written at once.
 * log_pump runs on the control thread, and a reader that stalls never holds it up. Must not know
 * who logs. The only file of this layer that asks for the time by itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/list.h"
#include "lib/base/log_ring.h"
#include "lib/base/mem.h"
#include "lib/base/utf8.h"

enum {
    TEXT_MAX = 2048,       /* of one message, before escaping; longer ones are cut */
    LINE_MAX_BYTES = 8704, /* four bytes for each of those, and what stands before them */
    RING_BYTES = 256 * 1024,
    OUT_BYTES = 64 * 1024,
    PUMP_ROUNDS = 32, /* bounds one log_pump while workers go on writing */
    STALL_MS = 1000,
    PIPE_PIECE = 4096, /* what a pipe that polls writable takes without blocking */
};

struct thread_rings {
    struct list link;
    struct log_ring access, messages;
};

/* Lines taken from the rings and not yet written, one for stdout and one for stderr. */
struct out {
    int fd;
    size_t from, to;
    char bytes[OUT_BYTES];
};

_Atomic int log_threshold = LOG_INFO;

static _Atomic uint64_t dropped;
static _Thread_local struct thread_rings *mine;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below */
static struct list all_rings = {&all_rings, &all_rings};
static struct out access_out = {.fd = STDOUT_FILENO}, message_out = {.fd = STDERR_FILENO};

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace"};

enum err log_set_level(struct slice name)
{
    for (int i = LOG_ERROR; i <= LOG_TRACE; i++) {
        if (slice_eq_cstr(name, level_names[i])) {
            atomic_store_explicit(&log_threshold, i, memory_order_relaxed);
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}

/* Somebody else may have made our stderr non-blocking. */
static bool wait_writable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    return poll(&ready, 1, STALL_MS) > 0;
}

static void write_at_once(int fd, struct slice line)
{
    while (line.len) {
        ssize_t n = write(fd, line.ptr, line.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && wait_writable(fd))
            continue;
        if (n <= 0) {
            atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
            return;
        }
        line = slice_sub(line, (size_t)n, line.len);
    }
}

static void emit(bool access, struct slice line)
{
    if (!mine)
        write_at_once(access ? STDOUT_FILENO : STDERR_FILENO, line);
    else if (!log_ring_put(access ? &mine->access : &mine->messages, line))
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
}

static size_t escape(char *to, struct slice text)
{
    static const char hex[] = "0123456789abcdef";
    char *out = to;
    while (text.len) {
        const unsigned char *p = (const unsigned char *)text.ptr;
        size_t len = utf8_front(text);
        if (utf8_is_plain(text.ptr, len)) {
            memcpy(out, text.ptr, len);
            out += len;
        } else {
            len = 1;
            *out++ = '\\';
            *out++ = 'x';
            *out++ = hex[p[0] >> 4];
            *out++ = hex[p[0] & 15];
        }
        text = slice_sub(text, len, text.len);
    }
    return (size_t)(out - to);
}

static size_t write_head(char *to, size_t room, enum log_level level, const char *scope)
{
    int64_t ms = clock_wall_ms();
    time_t seconds = (time_t)(ms / 1000);
    struct tm t;
    gmtime_r(&seconds, &t);
    size_t n = strftime(to, room, "%Y-%m-%dT%H:%M:%S", &t);
    n += (size_t)snprintf(to + n, room - n, ".%03dZ %s %.64s: ", (int)(ms % 1000),
                          level_names[level], scope);
    return n;
}

void log_write(enum log_level level, const char *scope, const char *format, ...)
{
    static const char cut[] = " [cut]";
    char text[TEXT_MAX], line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0)
        return;
    struct slice body = {text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1};
    size_t n = write_head(line, 256, level, scope);
    n += escape(line + n, body);
    if ((size_t)len > body.len) {
        memcpy(line + n, cut, sizeof(cut) - 1);
        n += sizeof(cut) - 1;
    }
    line[n++] = '\n';
    emit(false, slice_of(line, n));
}

void log_access(struct slice line)
{
    /* The pump takes whole lines through a buffer of this size. */
    if (line.len == 0 || line.len > OUT_BYTES || line.ptr[line.len - 1] != '\n')
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
    else
        emit(true, line);
}

void log_ring_attach(void)
{
    if (mine)
        return;
    mine = mem_alloc(sizeof(*mine));
    log_ring_init(&mine->access, RING_BYTES);
    log_ring_init(&mine->messages, RING_BYTES);
    pthread_mutex_lock(&lock);
    list_link_last(&all_rings, &mine->link);
    pthread_mutex_unlock(&lock);
}

/* What the descriptor takes right now without blocking; 0 when that is nothing. */
static size_t write_some(int fd, const char *bytes, size_t len)
{
    struct stat st = {0};
    ssize_t n;
    fstat(fd, &st);
    if (S_ISSOCK(st.st_mode)) {
        n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        if (!S_ISREG(st.st_mode) && poll(&ready, 1, 0) == 0)
            return 0;
        if (!S_ISREG(st.st_mode) && len > PIPE_PIECE)
            len = PIPE_PIECE;
        n = write(fd, bytes, len);
    }
    if (n >= 0)
        return (size_t)n;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    /* Nobody will ever read it: the lines are lost, the program goes on. */
    atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
    return len;
}

static void fill(struct out *o)
{
    o->from = o->to = 0;
    LIST_FOREACH(node, &all_rings)
    {
        struct thread_rings *t = container_of(node, struct thread_rings, link);
        struct log_ring *ring = o == &access_out ? &t->access : &t->messages;
        o->to += log_ring_take(ring, o->bytes + o->to, sizeof(o->bytes) - o->to);
    }
    /* Another worker is first the next time. */
    struct list *first = list_take_first(&all_rings);
    if (first)
        list_link_last(&all_rings, first);
}

static void pump(struct out *o)
{
    for (int round = 0; round < PUMP_ROUNDS; round++) {
        if (o->from == o->to)
            fill(o);
        if (o->from == o->to)
            return;
        size_t n = write_some(o->fd, o->bytes + o->from, o->to - o->from);
        if (n == 0)
            return;
        o->from += n;
    }
}

void log_pump(void)
{
    pthread_mutex_lock(&lock);
    pump(&access_out);
    pump(&message_out);
    pthread_mutex_unlock(&lock);
}

/* At a thread's end nobody is held up but the thread. */
static void flush_blocking(struct out *o)
{
    for (;;) {
        write_at_once(o->fd, slice_of(o->bytes + o->from, o->to - o->from));
        fill(o);
        if (o->from == o->to)
            return;
    }
}

void log_ring_detach(void)
{
    if (!mine)
        return;
    pthread_mutex_lock(&lock);
    flush_blocking(&access_out);
    flush_blocking(&message_out);
    list_unlink(&mine->link);
    pthread_mutex_unlock(&lock);
    log_ring_dispose(&mine->access);
    log_ring_dispose(&mine->messages);
    mem_free(mine);
    mine = NULL;
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}
