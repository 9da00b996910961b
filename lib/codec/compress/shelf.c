/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/shelf.h"

#include <pthread.h>

#include "lib/base/mem.h"

enum { KEPT_MAX = 8 };

/* Of one thread. */
struct shelf {
    struct shelved *waiting[SHELF_KINDS];
    unsigned count[SHELF_KINDS];
};

static pthread_key_t shelf_key;
static pthread_once_t shelf_once = PTHREAD_ONCE_INIT;

/* The thread ends. */
static void clear_shelf(void *of)
{
    struct shelf *s = of;
    for (unsigned kind = 0; kind < SHELF_KINDS; kind++)
        while (s->waiting[kind]) {
            struct shelved *first = s->waiting[kind];
            s->waiting[kind] = first->next;
            first->destroy(first);
        }
    mem_free(s);
}

static void make_key(void)
{
    pthread_key_create(&shelf_key, clear_shelf);
}

static struct shelf *shelf_of_thread(void)
{
    pthread_once(&shelf_once, make_key);
    struct shelf *s = pthread_getspecific(shelf_key);
    if (!s) {
        s = mem_zalloc(sizeof(*s));
        pthread_setspecific(shelf_key, s);
    }
    return s;
}

struct shelved *shelf_take(unsigned kind)
{
    struct shelf *s = shelf_of_thread();
    struct shelved *first = s->waiting[kind];
    if (!first)
        return NULL;
    s->waiting[kind] = first->next;
    s->count[kind]--;
    return first;
}

bool shelf_put(unsigned kind, struct shelved *one)
{
    struct shelf *s = shelf_of_thread();
    if (s->count[kind] >= KEPT_MAX)
        return false;
    one->next = s->waiting[kind];
    s->waiting[kind] = one;
    s->count[kind]++;
    return true;
}
