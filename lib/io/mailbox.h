/* Messages from any thread to one loop: the only lock between threads. Letters arrive in the order
 * of posting, on the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/list.h"

struct loop;
struct mailbox;

/* Embed; owned by the mailbox from post until deliver is called, then by deliver. */
struct letter {
    struct list node;
    void (*deliver)(struct letter *letter);
};

struct mailbox *mailbox_open(struct loop *l); /* on the loop's thread, or before it runs */
/* On the loop's thread. Letters posted before are delivered first; later ones are dropped, not
 * delivered (posting stays allowed until loop_destroy). */
void mailbox_close(struct mailbox *m);
void mailbox_post(struct mailbox *m, struct letter *letter);
