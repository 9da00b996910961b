/* Finding out that the other end of a connection has vanished. An idle one is the kernel's business
 * (keepalive). Of one that has something to send the kernel despairs only after a quarter of an
 * hour; and TCP_USER_TIMEOUT would also end those whose peer is well and only does not read. So it
 * is asked now and then about whoever sent and heard nothing since: is anything acknowledged? On
 * the loop's thread. Must not know what is carried.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/io/loop_priv.h"
#include "lib/io/tcp_priv.h"

enum {
    TIME_S = 30,
    INTERVAL_S = 10,
    PROBES = 3,
    LOOK_MS = 5000,
    UNANSWERED_MIN = 2, /* one lost packet proves nothing */
};

static struct tcp_keepalive complete(const struct tcp_keepalive *k)
{
    return (struct tcp_keepalive){.time_s = k->time_s ? k->time_s : TIME_S,
                                  .interval_s = k->interval_s ? k->interval_s : INTERVAL_S,
                                  .probes = k->probes ? k->probes : PROBES};
}

static bool is_default(const struct tcp_keepalive *k)
{
    struct tcp_keepalive all = complete(k);
    return all.time_s == TIME_S && all.interval_s == INTERVAL_S && all.probes == PROBES;
}

static void set(int fd, int level, int option, uint32_t value)
{
    int number = (int)value;
    setsockopt(fd, level, option, &number, sizeof(number));
}

void tcp_alive_set(int fd, const struct tcp_keepalive *k)
{
    struct tcp_keepalive all = complete(k);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, all.time_s);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, all.interval_s);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, all.probes);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

static void set_patience(struct tcp *t, const struct tcp_keepalive *k)
{
    struct tcp_keepalive all = complete(k);
    t->patience_ms = (all.time_s + all.interval_s * all.probes) * 1000;
}

void tcp_set_keepalive(struct stream *s, const struct tcp_keepalive *k)
{
    if (s->ops != &tcp_ops || is_default(k))
        return;
    tcp_alive_set(tcp_fd(tcp_of(s)), k);
    set_patience(tcp_of(s), k);
}

/* Neither retransmissions nor questions to a closed window are answered. */
static bool is_dead(const struct tcp *t)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    if (getsockopt(tcp_fd(t), IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return false;
    return info.tcpi_last_ack_recv >= t->patience_ms &&
           (info.tcpi_retransmits >= UNANSWERED_MIN || info.tcpi_probes >= UNANSWERED_MIN);
}

static void look_at(struct tcp *t)
{
    int unacknowledged = 0;
    if (!t->owes_ack || t->state != TCP_OPEN)
        return;
    if (ioctl(tcp_fd(t), SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0 &&
        t->stream.queued == 0)
        t->owes_ack = false;
    else if (is_dead(t))
        tcp_fail_later(t, ERR_TIMEOUT, "the peer does not acknowledge anything any more");
}

static void on_look(struct timer *timer)
{
    struct loop *l = container_of(timer, struct loop, tcp_look);
    LIST_FOREACH_SAFE(node, next, &l->tcps)
    look_at(container_of(node, struct tcp, node));
    if (!list_is_empty(&l->tcps))
        timer_start(timer, LOOK_MS);
}

void tcp_alive_begin(struct tcp *t, const struct tcp_keepalive *k)
{
    struct loop *l = t->stream.loop;
    set_patience(t, k);
    list_link_last(&l->tcps, &t->node);
    if (timer_is_running(&l->tcp_look))
        return;
    timer_init(&l->tcp_look, l, on_look);
    timer_start(&l->tcp_look, LOOK_MS);
}

void tcp_alive_end(struct tcp *t)
{
    struct loop *l = t->stream.loop;
    list_unlink(&t->node);
    if (list_is_empty(&l->tcps))
        timer_stop(&l->tcp_look);
}
