/* Histograms over fixed bounds, and the Prometheus text format. A histogram is written by one
 * thread and may be read by others; rendering is for the control thread. Must not know which
 * metrics there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/utf8.h"

struct bound {
    uint64_t at;    /* as observed */
    const char *le; /* as shown */
};

static const struct bound bounds[][METRIC_BOUNDS] = {
    [METRIC_DURATION] = {{1000, "1"},
                         {5000, "5"},
                         {10000, "10"},
                         {25000, "25"},
                         {50000, "50"},
                         {100000, "100"},
                         {500000, "500"},
                         {1000000, "1000"},
                         {10000000, "10000"}},
    [METRIC_SIZE] = {{100, "100"},
                     {500, "500"},
                     {1000, "1000"},
                     {5000, "5000"},
                     {10000, "10000"},
                     {100000, "100000"},
                     {1000000, "1000000"},
                     {10000000, "10000000"},
                     {100000000, "100000000"}},
};

static void observe(struct histogram *h, enum metric_unit unit, uint64_t value)
{
    size_t at = 0;
    while (at < METRIC_BOUNDS && value > bounds[unit][at].at)
        at++;
    metric_add(&h->buckets[at], 1);
    metric_add(&h->sum, value);
}

void metric_observe_us(struct histogram *h, uint64_t us)
{
    observe(h, METRIC_DURATION, us);
}

void metric_observe_bytes(struct histogram *h, uint64_t bytes)
{
    observe(h, METRIC_SIZE, bytes);
}

void metric_merge(struct histogram *to, const struct histogram *from)
{
    for (size_t i = 0; i <= METRIC_BOUNDS; i++)
        metric_add(&to->buckets[i], metric_read(&from->buckets[i]));
    metric_add(&to->sum, metric_read(&from->sum));
}

uint64_t metric_total(const struct histogram *h)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= METRIC_BOUNDS; i++)
        total += metric_read(&h->buckets[i]);
    return total;
}

static void write_cstr(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

static size_t plain_run(struct slice s)
{
    size_t at = 0;
    while (at < s.len && s.ptr[at] != '\\' && s.ptr[at] != '"' && s.ptr[at] != '\n') {
        size_t len = utf8_front(slice_sub(s, at, s.len));
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

/* In help texts a quote stands for itself. */
static void write_escaped(struct buf *out, struct slice s, bool quotes)
{
    while (s.len) {
        size_t run = plain_run(s);
        buf_append(out, s.ptr, run);
        if (run < s.len) {
            char c = s.ptr[run++];
            write_cstr(out, c == '\\'   ? "\\\\"
                            : c == '\n' ? "\\n"
                            : c != '"'  ? "\xef\xbf\xbd"
                            : quotes    ? "\\\""
                                        : "\"");
        }
        s = slice_sub(s, run, s.len);
    }
}

void metric_write_type(struct buf *out, const char *name, enum metric_type type, const char *help)
{
    static const char *const types[] = {" counter\n", " gauge\n", " histogram\n"};
    write_cstr(out, "# HELP ");
    write_cstr(out, name);
    write_cstr(out, " ");
    write_escaped(out, slice_from_cstr(help), false);
    write_cstr(out, "\n# TYPE ");
    write_cstr(out, name);
    write_cstr(out, types[type]);
}

struct series {
    struct buf *out;
    const char *name;
    const struct metric_label *labels;
    size_t count;
};

static void write_label(struct buf *out, const char *before, const char *name, struct slice value)
{
    write_cstr(out, before);
    write_cstr(out, name);
    write_cstr(out, "=\"");
    write_escaped(out, value, true);
    write_cstr(out, "\"");
}

/* "name_suffix{labels,le} value\n"; le may be NULL. */
static void write_sample(const struct series *s, const char *suffix, const char *le,
                         const char *value)
{
    const char *before = "{";
    write_cstr(s->out, s->name);
    write_cstr(s->out, suffix);
    for (size_t i = 0; i < s->count; i++, before = ",")
        write_label(s->out, before, s->labels[i].name, s->labels[i].value);
    if (le)
        write_label(s->out, before, "le", slice_from_cstr(le));
    write_cstr(s->out, s->count || le ? "} " : " ");
    write_cstr(s->out, value);
    write_cstr(s->out, "\n");
}

static void write_count(const struct series *s, const char *suffix, const char *le, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    write_sample(s, suffix, le, text);
}

void metric_write_u64(struct buf *out, const char *name, const struct metric_label *labels,
                      size_t count, uint64_t value)
{
    write_count(&(struct series){out, name, labels, count}, "", NULL, value);
}

void metric_write_f64(struct buf *out, const char *name, const struct metric_label *labels,
                      size_t count, double value)
{
    char text[32];
    if (isnan(value))
        snprintf(text, sizeof(text), "NaN");
    else if (isinf(value))
        snprintf(text, sizeof(text), value > 0 ? "+Inf" : "-Inf");
    else
        snprintf(text, sizeof(text), "%.15g", value);
    write_sample(&(struct series){out, name, labels, count}, "", NULL, text);
}

static void write_sum(const struct series *s, enum metric_unit unit, uint64_t sum)
{
    char text[32];
    if (unit == METRIC_SIZE) {
        write_count(s, "_sum", NULL, sum);
        return;
    }
    snprintf(text, sizeof(text), "%llu.%03u", (unsigned long long)(sum / 1000),
             (unsigned)(sum % 1000));
    write_sample(s, "_sum", NULL, text);
}

void metric_write_histogram(struct buf *out, const char *name, const struct metric_label *labels,
                            size_t count, enum metric_unit unit, const struct histogram *h)
{
    struct series s = {out, name, labels, count};
    uint64_t below = 0;
    for (size_t i = 0; i < METRIC_BOUNDS; i++) {
        below += metric_read(&h->buckets[i]);
        write_count(&s, "_bucket", bounds[unit][i].le, below);
    }
    /* Read once each: a count that differed from the last bucket would be refused by scrapers. */
    below += metric_read(&h->buckets[METRIC_BOUNDS]);
    write_count(&s, "_bucket", "+Inf", below);
    write_sum(&s, unit, metric_read(&h->sum));
    write_count(&s, "_count", NULL, below);
}
