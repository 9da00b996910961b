/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_cost.h"

#include "lib/codec/doc/doc_json.h"

bool rate_cost_parse(struct slice text, uint32_t *cost)
{
    uint64_t number;
    if (slice_to_u64(slice_trim(text), &number) || number > UINT32_MAX)
        return false;
    *cost = (uint32_t)number;
    return true;
}

static void begin(struct rate_cost_reader *r, const struct message *response)
{
    struct slice type = headers_get_id(&response->headers, HEADER_CONTENT_TYPE);
    struct slice coding = headers_get_id(&response->headers, HEADER_CONTENT_ENCODING);
    struct slice events = SLICE("text/event-stream");
    buf_init(&r->seen);
    r->is_begun = true;
    r->is_events = slice_eq_nocase(slice_sub(type, 0, events.len), events);
    r->is_unreadable = coding.len && !slice_eq_nocase(coding, SLICE("identity"));
}

void rate_cost_read(struct rate_cost_reader *r, const struct message *response,
                    const struct buf *body)
{
    if (!r->is_begun)
        begin(r, response);
    if (r->is_unreadable)
        return;
    buf_share(&r->seen, body);
    if (r->seen.len <= RATE_COST_BODY_MAX)
        return;
    if (r->is_events) {
        buf_drain(&r->seen, r->seen.len - RATE_COST_BODY_MAX);
    } else {
        r->is_unreadable = true;
        buf_dispose(&r->seen);
    }
}

static bool find_in(struct slice json, struct arena *arena, const char *field, uint32_t *cost)
{
    const struct doc *d;
    struct doc_error error;
    if (doc_json_parse(json, arena, &d, &error))
        return false;
    d = doc_find(d, field);
    if (!d || d->type != DOC_INT || d->integer < 0)
        return false;
    *cost = d->integer > UINT32_MAX ? UINT32_MAX : (uint32_t)d->integer;
    return true;
}

/* "data: {…}" lines; the last that has the field counts. */
static bool find_in_events(struct slice text, struct arena *arena, const char *field,
                           uint32_t *cost)
{
    struct slice line, data = SLICE("data:");
    bool found = false;
    while (slice_split(&text, '\n', &line))
        if (slice_starts_with(line, data) && slice_find_byte(line, '{') < line.len)
            found |= find_in(slice_sub(line, data.len, line.len), arena, field, cost);
    return found;
}

bool rate_cost_find(struct rate_cost_reader *r, struct arena *arena, const char *field,
                    uint32_t *cost)
{
    if (!r->is_begun || r->is_unreadable)
        return false;
    if (!r->is_ended)
        r->whole = buf_take_into(&r->seen, arena);
    r->is_ended = true;
    return r->is_events ? find_in_events(r->whole, arena, field, cost)
                        : find_in(r->whole, arena, field, cost);
}

void rate_cost_dispose(struct rate_cost_reader *r)
{
    if (r->is_begun)
        buf_dispose(&r->seen);
}
