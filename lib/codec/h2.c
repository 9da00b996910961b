/* One end of an HTTP/2 connection: making it, feeding it, draining it, ending it. Owned by lib/net,
 * on its worker. Frame heads pass the guard one by one; nghttp2 sees what the guard lets through.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2.h"

#include <string.h>
#include <threads.h>

#include "lib/base/mem.h"
#include "lib/codec/h2_priv.h"

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
};

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
}

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value ? value : standard;
}

static void submit_settings(struct h2 *h, const struct h2_config *c)
{
    nghttp2_settings_entry entries[4] = {
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, or_default(c->stream_window, DEFAULT_STREAM_WINDOW)},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, h->limits.max_bytes},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    };
    if (h->server)
        entries[3] =
            (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h->max_streams};
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, entries, 4);
    int32_t window = (int32_t)or_default(c->connection_window, DEFAULT_CONNECTION_WINDOW);
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, window);
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
        .allow_connect = config->allow_connect,
    };
    buf_init(&h->out);
    list_init(&h->streams);
    list_init(&h->closed);
    h->max_streams = or_default(config->max_streams, DEFAULT_STREAMS);
    h2_block_init(&h->block, &h->limits);
    hpack_encode_init(&h->encoder);
    h2_guard_init(&h->guard, h->server, or_default(config->max_resets, DEFAULT_RESETS), now_ms);
    open_session(h);
    submit_settings(h, config);
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
    destroy_all(&h->streams);
    destroy_all(&h->closed);
    h2_block_dispose(&h->block);
    hpack_encode_dispose(&h->encoder);
    buf_dispose(&h->out);
    mem_free(h->detail);
    mem_free(h);
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

bool h2_is_mid_head(const struct h2 *h)
{
    return h->magic_left || !h->guard.settings_seen || h->guard.in_block || h->head_len ||
           h->block.open;
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

void h2_doom(struct h2 *h, uint32_t code, const char *reason)
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
        h2_doom(h, h->guard.code, h->guard.reason);
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
        h2_doom(h, H2_INTERNAL_ERROR, nghttp2_strerror((int)n));
    return n == 0;
}

void h2_push(struct h2 *h)
{
    if (!h->busy)
        drain(h, 0);
}

/* Says goodbye with the error that was found. */
static bool give_up(struct h2 *h)
{
    nghttp2_session_terminate_session(h->session, h->code);
    h2_push(h);
    return false;
}

bool h2_drain(struct h2 *h, size_t data_room)
{
    h->held = false;
    if (!drain(h, data_room) || h->doomed)
        return give_up(h);
    return true;
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
    h2_doom(h, code, reason);
    if (!h->busy)
        give_up(h);
}

void h2_ping(struct h2 *h)
{
    nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
    h2_push(h);
}

static void doom_by(struct h2 *h, ssize_t error)
{
    switch (error) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
        return h2_doom(h, H2_PROTOCOL_ERROR, "connection preface is malformed");
    case NGHTTP2_ERR_FLOODED:
        return h2_doom(h, H2_ENHANCE_YOUR_CALM, "too many frames that ask for an answer");
    default:
        return h2_doom(h, H2_INTERNAL_ERROR, nghttp2_strerror((int)error));
    }
}

static void pass(struct h2 *h, const uint8_t *data, size_t len)
{
    h->busy = true;
    ssize_t n = nghttp2_session_mem_recv(h->session, data, len);
    h->busy = false;
    if (n < 0)
        doom_by(h, n);
    if (!list_is_empty(&h->closed))
        h2_stream_settle(h);
}

static bool is_live(struct h2 *h, const struct h2_frame *f)
{
    if (f->type > H2_HEADERS || f->id > h->guard.newest)
        return false;
    return nghttp2_session_find_stream(h->session, (int32_t)f->id);
}

static bool is_block(const struct h2_frame *f)
{
    return f->type == H2_HEADERS || f->type == H2_CONTINUATION;
}

static void doom_by_block(struct h2 *h)
{
    h2_doom(h, h->block.code, h->block.reason);
}

/* The header block is whole: nghttp2 learns that there was one, and calls back with it. */
static void pass_block(struct h2 *h)
{
    const struct h2_block *b = &h->block;
    uint8_t flags = NGHTTP2_FLAG_END_HEADERS | (b->end_stream ? NGHTTP2_FLAG_END_STREAM : 0);
    const uint8_t head[H2_FRAME_HEAD] = {0,
                                         0,
                                         0,
                                         H2_HEADERS,
                                         flags,
                                         (uint8_t)(b->id >> 24),
                                         (uint8_t)(b->id >> 16),
                                         (uint8_t)(b->id >> 8),
                                         (uint8_t)b->id};
    pass(h, head, sizeof(head));
    h2_head_reset(&h->block.head);
}

static void end_block_frame(struct h2 *h)
{
    if (!h2_block_end_frame(&h->block))
        doom_by_block(h);
    else if (!h->block.open)
        pass_block(h);
}

static void begin_block_frame(struct h2 *h, const struct h2_frame *f, enum h2_head_kind kind)
{
    bool fine = f->type == H2_HEADERS ? h2_block_begin(&h->block, f, kind)
                                      : h2_block_continue(&h->block, f);
    if (!fine)
        doom_by_block(h);
    else if (f->length == 0)
        end_block_frame(h);
}

/* A whole frame head has arrived. True when nghttp2 is to see the frame. */
static bool begin_frame(struct h2 *h, const uint8_t *head)
{
    struct h2_frame *f = &h->frame;
    h2_frame_read(f, head);
    h->head_len = 0;
    h->capture_len = 0;
    h->payload_left = f->length;
    enum h2_head_kind kind = f->type == H2_HEADERS ? h2_recv_kind(h, f->id) : H2_HEAD_IGNORED;
    enum h2_verdict verdict = h2_guard_judge(&h->guard, f, is_live(h, f), h->now_ms);
    h->skipping = verdict == H2_SKIP;
    if (verdict == H2_KILL)
        h2_doom(h, h->guard.code, h->guard.reason);
    else if (is_block(f))
        begin_block_frame(h, f, kind);
    return verdict == H2_PASS && !is_block(f);
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t skip_payload(struct h2 *h, const uint8_t *data, size_t len)
{
    size_t n = min_size(h->payload_left, len);
    for (size_t i = 0; i < n && h->frame.type == H2_PRIORITY && h->capture_len < 4; i++) {
        h->head[h->capture_len++] = data[i];
        if (h->capture_len == 4 && h2_guard_priority(&h->guard, h->frame.id, h->head) == H2_KILL)
            h2_doom(h, h->guard.code, h->guard.reason);
    }
    h->payload_left -= (uint32_t)n;
    return n;
}

static size_t block_payload(struct h2 *h, const uint8_t *data, size_t len)
{
    size_t n = min_size(h->payload_left, len);
    h->payload_left -= (uint32_t)n;
    if (!h2_block_payload(&h->block, data, n))
        doom_by_block(h);
    else if (h->payload_left == 0)
        end_block_frame(h);
    return n;
}

/* The frame head is in pieces. */
static size_t gather_head(struct h2 *h, const uint8_t *data, size_t len)
{
    size_t n = min_size((size_t)(H2_FRAME_HEAD - h->head_len), len);
    memcpy(h->head + h->head_len, data, n);
    h->head_len += (uint8_t)n;
    if (h->head_len == H2_FRAME_HEAD && begin_frame(h, h->head))
        pass(h, h->head, H2_FRAME_HEAD);
    return n;
}

/* The frame head is in one piece: nghttp2 gets it together with what is there of the payload. */
static size_t whole_head(struct h2 *h, const uint8_t *data, size_t len)
{
    if (!begin_frame(h, data))
        return H2_FRAME_HEAD;
    size_t n = min_size(h->payload_left, len - H2_FRAME_HEAD);
    h->payload_left -= (uint32_t)n;
    pass(h, data, H2_FRAME_HEAD + n);
    return H2_FRAME_HEAD + n;
}

static size_t step(struct h2 *h, const uint8_t *data, size_t len)
{
    if (h->magic_left) {
        size_t n = min_size(h->magic_left, len);
        h->magic_left -= (uint8_t)n;
        pass(h, data, n);
        return n;
    }
    if (h->payload_left && h->skipping)
        return skip_payload(h, data, len);
    if (h->payload_left && is_block(&h->frame))
        return block_payload(h, data, len);
    if (h->payload_left) {
        size_t n = min_size(h->payload_left, len);
        h->payload_left -= (uint32_t)n;
        pass(h, data, n);
        return n;
    }
    if (h->head_len == 0 && len >= H2_FRAME_HEAD)
        return whole_head(h, data, len);
    return gather_head(h, data, len);
}

bool h2_feed(struct h2 *h, uint64_t now_ms, struct chunk *owner, const uint8_t *data, size_t len)
{
    h->now_ms = now_ms;
    h->feed_owner = owner;
    while (len && !h->doomed) {
        size_t n = step(h, data, len);
        data += n;
        len -= n;
    }
    h->feed_owner = NULL;
    return h->doomed ? give_up(h) : true;
}
