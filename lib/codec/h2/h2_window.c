/* How much the peer may have under way to us. A stream's window is given back as its user takes
 * bytes; the connection's as soon as they are off the wire, so that users who take nothing cost
 * nobody else anything. What they all hold is bounded in another way: the more it is, the smaller
 * the windows of all streams become, by SETTINGS. Until the peer has acknowledged those, the
 * connection's window does not come back either, and it cannot send more than that. On the
 * connection's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_priv.h"

enum { LEVELS = 4, SHIFT = 2 /* each level's window is a quarter of the one before */ };

/* What may be held at a level: the connection's window, then twice and four times that. */
static size_t bound_of(const struct h2_window *w, unsigned level)
{
    return (size_t)w->connection << level;
}

static unsigned level_for(const struct h2_window *w)
{
    unsigned level = w->level;
    while (level + 1 < LEVELS && w->held > bound_of(w, level))
        level++;
    /* Down only from well below, or it would go up and down with each frame. */
    while (level > 0 && w->held < bound_of(w, level - 1) / 2)
        level--;
    return level;
}

static void adapt(struct h2 *h)
{
    struct h2_window *w = &h->window;
    if (w->unacked) /* one step at a time */
        return;
    unsigned level = level_for(w);
    if (level == w->level)
        return;
    const nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                          w->stream >> (SHIFT * level)};
    if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, &entry, 1))
        return;
    w->withhold = level > w->level;
    w->level = level;
    w->unacked++;
}

void h2_window_init(struct h2_window *w, uint32_t stream, uint32_t connection)
{
    *w = (struct h2_window){.stream = stream, .connection = connection};
    w->unacked = 1; /* of the first SETTINGS */
}

void h2_window_took(struct h2 *h, size_t len)
{
    struct h2_window *w = &h->window;
    w->held += len;
    adapt(h);
    if (w->withhold)
        w->owed += len;
    else
        nghttp2_session_consume_connection(h->session, len);
}

void h2_window_freed(struct h2 *h, size_t len)
{
    h->window.held -= len;
    adapt(h);
}

void h2_window_acknowledged(struct h2 *h)
{
    struct h2_window *w = &h->window;
    if (w->unacked == 0 || --w->unacked)
        return;
    w->withhold = false;
    adapt(h);
    if (w->withhold || !w->owed)
        return;
    nghttp2_session_consume_connection(h->session, w->owed);
    w->owed = 0;
}
