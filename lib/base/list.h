/* Intrusive doubly linked list. A node that is in no list points at itself, so list_unlink is
 * idempotent.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* For heads and for nodes alike. */
static inline void list_init(struct list *node)
{
    node->next = node->prev = node;
}
static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}
static inline bool list_is_linked(const struct list *node)
{
    return node->next != node;
}
static inline void list_link_before(struct list *at, struct list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}
static inline void list_link_first(struct list *head, struct list *node)
{
    list_link_before(head->next, node);
}
static inline void list_link_last(struct list *head, struct list *node)
{
    list_link_before(head, node);
}
static inline void list_unlink(struct list *node)
{
    node->next->prev = node->prev;
    node->prev->next = node->next;
    list_init(node);
}
/* First node, unlinked; NULL when empty. */
static inline struct list *list_take_first(struct list *head)
{
    if (list_is_empty(head))
        return NULL;
    struct list *node = head->next;
    list_unlink(node);
    return node;
}
/* Moves all of `from` to the end of `to`. */
static inline void list_splice_last(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define LIST_FOREACH(node, head) \
    for (struct list *node = (head)->next; node != (head); node = node->next)
/* The body may unlink `node`, nothing else. */
#define LIST_FOREACH_SAFE(node, next_node, head)                                    \
    for (struct list *node = (head)->next, *next_node = node->next; node != (head); \
         node = next_node, next_node = node->next)
