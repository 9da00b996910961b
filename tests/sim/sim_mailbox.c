/* lib/io/mailbox.h on a simulated loop: letters are delivered at the end of the turn. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/mailbox.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/mailbox_priv.h"

struct mailbox {
    struct loop *loop;
    struct list letters;
    struct loop_task task;
};

static void deliver(struct loop_task *task)
{
    struct mailbox *m = container_of(task, struct mailbox, task);
    for (struct list *node; (node = list_take_first(&m->letters));) {
        struct letter *letter = container_of(node, struct letter, node);
        letter->deliver(letter);
    }
}

struct mailbox *mailbox_open(struct loop *l)
{
    struct mailbox *m = mem_zalloc(sizeof(*m));
    m->loop = l;
    list_init(&m->letters);
    loop_task_init(&m->task, deliver);
    return m;
}

void mailbox_close(struct mailbox *m)
{
    deliver(&m->task);
    loop_task_cancel(&m->task);
    mem_free(m);
}

void mailbox_post(struct mailbox *m, struct letter *letter)
{
    list_init(&letter->node);
    list_link_last(&m->letters, &letter->node);
    loop_run_soon(m->loop, &m->task);
}

/* Simulated loops keep no closed mailboxes. */
void mailbox_free(struct list *node)
{
    (void)node;
}
