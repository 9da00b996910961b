/* One end of an HTTP/2 connection: making it, feeding it, draining it, ending it. Owned by
 * lib/net, on its worker. Frame heads pass the guard one by one; nghttp2 sees what the guard lets
 * through.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2.h"

#include <string.h>
#include <threads.h>

#include "lib/base/mem.h"
#include "lib/codec/h2/h2_priv.h"

enum {
    DEFAULT_HEADER_BYTES = 65536,
    DEFAULT_HEADER_COUNT = 100,
    DEFAULT_TARGET_BYTES = 8192,
    DEFAULT_STREAMS = 100,
    DEFAULT_STREAM_WINDOW = 65536,
    DEFAULT_CONNECTION_WINDOW = 1048576,
    DEFAULT_RESETS = 1000,
    MAGIC_LEN = 24,
    MAX_ACKS = 1000,
    PSEUDO_BYTES = 512, /* the method, the scheme, and 32 bytes for each pseudo-header field */
};

/* Newer versions also count other frames, against limits that well-behaved meshes reach. */
#if NGHTTP2_VERSION_NUM >= 0x014300
static void set_glitch_limit(nghttp2_option *o)
{
    nghttp2_option_set_glitch_rate_limit(o, UINT32_MAX, UINT32_MAX);
}
#else
static void set_glitch_limit(nghttp2_option *o)
{
    (void)o;
}
#endif

/* nghttp2 copies both into each session; they live as long as the process. */
static nghttp2_session_callbacks *callbacks;
static nghttp2_option *option;

/* Its own limit on resets ends connections that behave, and the guard keeps a better one. */
static void set_up(void)
{
    nghttp2_session_callbacks_new(&callbacks);
    h2_recv_install(callbacks);
    h2_send_install(callbacks);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_http_messaging(option, 1);
    nghttp2_option_set_max_outbound_ack(option, MAX_ACKS);
    nghttp2_option_set_stream_reset_rate_limit(option, UINT32_MAX, UINT32_MAX);
    set_glitch_limit(option);
}

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value ? value : standard;
}

/* What we tell the peer counts pseudo-header fields too (RFC 9113 §6.5.2). */
static uint32_t max_header_list(const struct h2_head_limits *limits)
{
    uint64_t all = (uint64_t)limits->max_bytes + limits->max_target + PSEUDO_BYTES;
    return all < UINT32_MAX ? (uint32_t)all : UINT32_MAX;
}

/* nghttp2 is not told of MAX_CONCURRENT_STREAMS: it would end the connection over one stream too
 * many, and we only refuse that one. */
static void submit_settings(struct h2 *h)
{
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, h->window.stream},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, max_header_list(&h->limits)},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    };
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, entries, h->server ? 3 : 4);
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                          (int32_t)h->window.connection);
}

static void open_session(struct h2 *h)
{
    static once_flag once = ONCE_FLAG_INIT;
    call_once(&once, set_up);
    nghttp2_mem mem = h2_mem_of(h);
    nghttp2_session *session;
    if (h->server)
        nghttp2_session_server_new3(&session, callbacks, h, option, &mem);
    else
        nghttp2_session_client_new3(&session, callbacks, h, option, &mem);
    h->session = session;
}

struct h2 *h2_create(const struct h2_config *config, const struct h2_events *events, void *owner,
                     uint64_t now_ms)
{
    struct h2 *h = mem_zalloc(sizeof(*h));
    h->events = events;
    h->owner = owner;
    h->server = config->server;
    h->magic_left = config->server ? MAGIC_LEN : 0;
    h->now_ms = now_ms;
    h->limits = (struct h2_head_limits){
        .max_bytes = or_default(config->max_header_bytes, DEFAULT_HEADER_BYTES),
        .max_count = or_default(config->max_header_count, DEFAULT_HEADER_COUNT),
        .max_target = or_default(config->max_target_bytes, DEFAULT_TARGET_BYTES),
        .takes_requests = config->server,
        .allow_connect = config->allow_connect,
    };
    buf_init(&h->out);
    list_init(&h->streams);
    list_init(&h->closed);
    list_init(&h->awake);
    h->max_streams = or_default(config->max_streams, DEFAULT_STREAMS);
    h2_block_init(&h->block, &h->limits);
    hpack_encode_init(&h->encoder);
    h2_guard_init(&h->guard, h->server, or_default(config->max_resets, DEFAULT_RESETS), now_ms);
    open_session(h);
    h2_window_init(&h->window, or_default(config->stream_window, DEFAULT_STREAM_WINDOW),
                   or_default(config->connection_window, DEFAULT_CONNECTION_WINDOW));
    submit_settings(h);
    h2_push(h);
    return h;
}

static void destroy_all(struct list *streams)
{
    while (!list_is_empty(streams))
        h2_stream_destroy(container_of(streams->next, struct h2_stream, node));
}

void h2_destroy(struct h2 *h)
{
    nghttp2_session_del(h->session);
    h2_mem_dispose(h);
    h2_recv_settle(h);
    destroy_all(&h->streams);
    destroy_all(&h->closed);
    h2_block_dispose(&h->block);
    hpack_encode_dispose(&h->encoder);
    buf_dispose(&h->out);
    mem_free(h->detail);
    mem_free(h);
}

bool h2_rest_idle(unsigned max)
{
    return h2_mem_rest_idle(max);
}

void *h2_owner(const struct h2 *h)
{
    return h->owner;
}

struct buf *h2_output(struct h2 *h)
{
    return &h->out;
}

bool h2_is_held(const struct h2 *h)
{
    return h->held;
}

bool h2_is_blocked(const struct h2 *h)
{
    return nghttp2_session_get_remote_window_size(h->session) <= 0;
}

bool h2_is_used_up(const struct h2 *h)
{
    return nghttp2_session_get_next_stream_id(h->session) > INT32_MAX;
}

bool h2_is_over(const struct h2 *h)
{
    return !nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session);
}

enum err h2_error(const struct h2 *h, const char **detail)
{
    if (detail)
        *detail = h->detail;
    if (h->code == H2_NO_ERROR)
        return ERR_OK;
    return h->code == H2_ENHANCE_YOUR_CALM ? ERR_OVERLOAD : ERR_PROTOCOL;
}

uint32_t h2_mid_head(const struct h2 *h)
{
    if (h->magic_left || !h->guard.settings_seen)
        return UINT32_MAX;
    return h->block.open ? h->block.id : 0;
}

unsigned h2_open_streams(const struct h2 *h)
{
    return h->open;
}

unsigned h2_capacity(const struct h2 *h)
{
    uint32_t max =
        nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (h->doomed || max <= h->open || !nghttp2_session_check_request_allowed(h->session))
        return 0;
    return max - h->open;
}

void h2_fail(struct h2 *h, uint32_t code, const char *reason)
{
    if (h->doomed)
        return;
    h->doomed = true;
    h->code = code;
    h->detail = mem_strdup(reason);
}

void h2_charge(struct h2 *h, const char *reason)
{
    if (h2_guard_charge(&h->guard, h->now_ms, reason) == H2_KILL)
        h2_fail(h, h->guard.code, h->guard.reason);
}

static bool drain(struct h2 *h, size_t data_room)
{
    const uint8_t *bytes;
    ssize_t n = 0;
    h->busy = true;
    h->data_room = data_room;
    do {
        n = nghttp2_session_mem_send(h->session, &bytes);
        if (n > 0 && !h->written_here)
            buf_append(&h->out, bytes, (size_t)n);
        h->written_here = false;
        if (!list_is_empty(&h->closed))
            h2_stream_settle(h);
    } while (n > 0);
    h->busy = false;
    if (n < 0)
        h2_fail(h, H2_INTERNAL_ERROR, nghttp2_strerror((int)n));
    return n == 0;
}

void h2_push(struct h2 *h)
{
    if (!h->busy)
        drain(h, 0);
}

bool h2_give_up(struct h2 *h)
{
    nghttp2_session_terminate_session(h->session, h->code);
    h2_push(h);
    return false;
}

bool h2_drain(struct h2 *h, size_t data_room)
{
    h->held = false;
    h2_recv_settle(h);
    bool fine = !nghttp2_session_want_write(h->session) || drain(h, data_room);
    if (h->input_ended && fine)
        h2_stream_end_stuck(h);
    return fine && !h->doomed ? true : h2_give_up(h);
}

void h2_notice(struct h2 *h)
{
    nghttp2_submit_shutdown_notice(h->session);
    h2_ping(h);
}

void h2_goaway(struct h2 *h)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(h->session);
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
    h2_push(h);
}

void h2_abandon(struct h2 *h, uint32_t code, const char *reason)
{
    h2_fail(h, code, reason);
    if (!h->busy)
        h2_give_up(h);
}

void h2_ping(struct h2 *h)
{
    nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
    h2_push(h);
}
