/* A locked list of letters and libuv's async handle to wake the reader. The lock guards the list
 * and the closed flag only and is never held while a letter is delivered. A closed mailbox stays
 * in memory until its loop goes, so that a late post finds the flag and not a freed block. Must
 * not know what letters say.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/mailbox.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"
#include "lib/io/mailbox_priv.h"

struct mailbox {
    uv_async_t async;
    uv_mutex_t lock;
    struct list letters; /* under lock */
    bool closed;         /* under lock */
    bool delivering;     /* the loop's thread only */
    struct loop *loop;
    struct list node;
};

static void deliver_all(struct mailbox *m)
{
    struct list batch;
    list_init(&batch);
    m->delivering = true;
    uv_mutex_lock(&m->lock);
    list_splice_last(&batch, &m->letters);
    uv_mutex_unlock(&m->lock);
    struct list *node;
    while ((node = list_take_first(&batch))) {
        struct letter *letter = container_of(node, struct letter, node);
        letter->deliver(letter);
    }
    m->delivering = false;
}

static void on_async(uv_async_t *handle)
{
    struct mailbox *m = container_of(handle, struct mailbox, async);
    deliver_all(m);
    /* A letter closed the mailbox: what was posted before that still arrives, and in order. */
    if (uv_is_closing((uv_handle_t *)handle))
        deliver_all(m);
}

struct mailbox *mailbox_open(struct loop *l)
{
    struct mailbox *m = mem_zalloc(sizeof(*m));
    list_init(&m->letters);
    list_init(&m->node);
    m->loop = l;
    int status = uv_mutex_init(&m->lock);
    if (status == 0)
        status = uv_async_init(&l->uv, &m->async, on_async);
    if (status < 0) {
        LOG_E("mailbox", "cannot open: %s", uv_strerror(status));
        abort();
    }
    return m;
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *m = container_of((uv_async_t *)handle, struct mailbox, async);
    list_link_last(&m->loop->closed_mailboxes, &m->node);
}

void mailbox_close(struct mailbox *m)
{
    uv_mutex_lock(&m->lock);
    m->closed = true;
    uv_mutex_unlock(&m->lock);
    uv_close((uv_handle_t *)&m->async, on_closed);
    if (!m->delivering)
        deliver_all(m);
}

void mailbox_post(struct mailbox *m, struct letter *letter)
{
    uv_mutex_lock(&m->lock);
    /* Sent under the lock: mailbox_close cannot come between the question and the wake-up. */
    if (!m->closed) {
        bool wake = list_is_empty(&m->letters);
        list_link_last(&m->letters, &letter->node);
        if (wake)
            uv_async_send(&m->async);
    }
    uv_mutex_unlock(&m->lock);
}

void mailbox_free(struct list *node)
{
    struct mailbox *m = container_of(node, struct mailbox, node);
    uv_mutex_destroy(&m->lock);
    mem_free(m);
}
