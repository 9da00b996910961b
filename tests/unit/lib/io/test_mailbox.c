/* Tests of mailboxes and threads: order, many writers, closing. Clean under the thread sanitizer.
 * Several threads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/mailbox.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/thread.h"
#include "tests/unit/lib/io/cmocka_io.h"

enum { WRITERS = 4, LETTERS = 10000 };

struct desk {
    struct loop *loop;
    struct mailbox *box;
    unsigned next[WRITERS];
    unsigned total, expected;
    bool in_order;
};

struct note {
    struct letter letter;
    struct desk *desk;
    unsigned writer, number;
};

struct writer {
    struct desk *desk;
    unsigned id;
    unsigned letters;
};

static void receive(struct letter *letter)
{
    struct note *n = container_of(letter, struct note, letter);
    struct desk *d = n->desk;
    d->in_order &= d->next[n->writer] == n->number;
    d->next[n->writer]++;
    if (++d->total == d->expected)
        loop_stop(d->loop);
    mem_free(n);
}

static void post(struct desk *d, unsigned writer, unsigned number, void (*deliver)(struct letter *))
{
    struct note *n = mem_zalloc(sizeof(*n));
    n->desk = d;
    n->writer = writer;
    n->number = number;
    n->letter.deliver = deliver;
    mailbox_post(d->box, &n->letter);
}

static void write_letters(void *arg)
{
    struct writer *w = arg;
    for (unsigned i = 0; i < w->letters; i++)
        post(w->desk, w->id, i, receive);
}

static void test_many_writers(void **state)
{
    struct desk d = {.loop = loop_create(), .expected = WRITERS * LETTERS, .in_order = true};
    struct writer writers[WRITERS];
    struct thread *threads[WRITERS];
    d.box = mailbox_open(d.loop);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){&d, i, LETTERS};
        threads[i] = thread_start("writer", write_letters, &writers[i]);
    }
    loop_run(d.loop);
    for (unsigned i = 0; i < WRITERS; i++)
        thread_join(threads[i]);
    assert_int_equal(d.total, WRITERS * LETTERS);
    assert_true(d.in_order);
    mailbox_close(d.box);
    loop_destroy(d.loop);
}

static void close_box(struct letter *letter)
{
    struct desk *d = container_of(letter, struct note, letter)->desk;
    receive(letter);
    mailbox_close(d->box);
}

/* Letters that were there when a letter closes the box still arrive, in order; later ones do not.
 */
static void test_close_inside(void **state)
{
    struct desk d = {.loop = loop_create(), .expected = 4, .in_order = true};
    struct note late = {.desk = &d, .letter.deliver = receive};
    d.box = mailbox_open(d.loop);
    post(&d, 0, 0, receive);
    post(&d, 0, 1, close_box);
    post(&d, 0, 2, receive);
    post(&d, 0, 3, receive);
    loop_run(d.loop);
    assert_int_equal(d.total, 4);
    assert_true(d.in_order);
    mailbox_post(d.box, &late.letter);
    assert_int_equal(d.total, 4);
    loop_destroy(d.loop);
}

static void test_close_delivers_what_waits(void **state)
{
    struct desk d = {.loop = loop_create(), .in_order = true};
    d.box = mailbox_open(d.loop);
    post(&d, 0, 0, receive);
    post(&d, 0, 1, receive);
    mailbox_close(d.box);
    assert_int_equal(d.total, 2);
    assert_true(d.in_order);
    loop_destroy(d.loop);
}

static void post_to_closed(void *arg)
{
    struct desk *d = arg;
    static struct note late[100];
    for (unsigned i = 0; i < 100; i++) {
        late[i] = (struct note){.desk = d, .letter.deliver = receive};
        mailbox_post(d->box, &late[i].letter);
    }
}

static void test_post_after_close(void **state)
{
    struct desk d = {.loop = loop_create()};
    d.box = mailbox_open(d.loop);
    mailbox_close(d.box);
    struct thread *t = thread_start("late", post_to_closed, &d);
    thread_join(t);
    loop_stop(d.loop);
    loop_run(d.loop);
    assert_int_equal(d.total, 0);
    loop_destroy(d.loop);
}

/* Two loops on two threads, a letter thrown to and fro. */
struct ball {
    struct letter letter;
    struct desk *sides;
    unsigned bounces;
};

static void bounce(struct letter *letter)
{
    struct ball *b = container_of(letter, struct ball, letter);
    if (b->bounces >= 2000)
        loop_stop(b->sides[b->bounces % 2].loop);
    if (++b->bounces <= 2001)
        mailbox_post(b->sides[b->bounces % 2].box, letter);
}

static void run_loop(void *arg)
{
    loop_run(arg);
}

static void test_two_loops(void **state)
{
    struct desk sides[2];
    memset(sides, 0, sizeof(sides));
    for (int i = 0; i < 2; i++) {
        sides[i].loop = loop_create();
        sides[i].box = mailbox_open(sides[i].loop);
    }
    struct ball b = {.letter.deliver = bounce, .sides = sides};
    struct thread *t = thread_start("a name that is far too long", run_loop, sides[1].loop);
    mailbox_post(sides[0].box, &b.letter);
    loop_run(sides[0].loop);
    thread_join(t);
    assert_int_equal(b.bounces, 2002);
    for (int i = 0; i < 2; i++) {
        mailbox_close(sides[i].box);
        loop_destroy(sides[i].loop);
    }
}

static void look_at_self(void *arg)
{
    sigset_t *mask = arg;
    char name[16];
    pthread_sigmask(SIG_SETMASK, NULL, mask);
    pthread_getname_np(pthread_self(), name, sizeof(name));
    assert_string_equal(name, "worker-7");
}

static void test_thread(void **state)
{
    sigset_t inside, outside;
    thread_join(thread_start("worker-7", look_at_self, &inside));
    pthread_sigmask(SIG_SETMASK, NULL, &outside);
    assert_true(sigismember(&inside, SIGTERM));
    assert_true(sigismember(&inside, SIGHUP));
    assert_false(sigismember(&inside, SIGSEGV));
    assert_false(sigismember(&outside, SIGTERM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_writers),
        cmocka_unit_test(test_close_inside),
        cmocka_unit_test(test_close_delivers_what_waits),
        cmocka_unit_test(test_post_after_close),
        cmocka_unit_test(test_two_loops),
        cmocka_unit_test(test_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
