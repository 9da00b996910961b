/* The canonical form of a request path, and its other readings. Whoever serves the request may
 * decode it in another way than we do. What nobody can mean in good faith is refused: a dot segment
 * that comes to light only by decoding (once or twice), before blanks or behind a `;`, a step up
 * across an empty segment, a separator inside path parameters, NUL, CR, LF, overlong UTF-8, a
 * broken escape. The rest has readings.
 * Pure; any thread. Must not know what the path is matched against.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/normalize.h"
#include "lib/base/percent.h"

#include <string.h>

static const struct slice ambiguous = {"", 0};

/* ---- the common case: nothing to do ---- */

typedef uint8_t bytes16 __attribute__((vector_size(16)));

static bytes16 load(const char *p)
{
    bytes16 v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static bytes16 splat(uint8_t c)
{
    return (bytes16){c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c};
}

/* Sixteen bytes, and the one behind them. A dot before a slash may be dropped by who serves it. */
static bool is_clean_block(const char *p)
{
    bytes16 now = load(p), next = load(p + 1);
    bytes16 bad = (bytes16)(now == splat('%')) | (bytes16)(now == splat(';'));
    bad |= (bytes16)(now == splat('\\')) | (bytes16)(now == splat('#'));
    bad |= (bytes16)(now < splat(0x21)) | (bytes16)(now > splat(0x7e));
    bad |= (bytes16)(now == splat('/')) &
           ((bytes16)(next == splat('/')) | (bytes16)(next == splat('.')));
    bad |= (bytes16)(now == splat('.')) & (bytes16)(next == splat('/'));
    uint64_t halves[2];
    memcpy(halves, &bad, sizeof(halves));
    return (halves[0] | halves[1]) == 0;
}

static bool is_clean(struct slice path)
{
    const char *p = path.ptr, *end = path.ptr + path.len;
    for (; end - p > 16; p += 16) {
        if (!is_clean_block(p))
            return false;
    }
    char rest[17] = "aaaaaaaaaaaaaaaa";
    memcpy(rest, p, (size_t)(end - p));
    return is_clean_block(rest) && end[-1] != '.';
}

/* ---- everything else ---- */

/* out[0..len) is canonical but for the segment that begins at `segment`. */
struct walk {
    char *out;
    size_t len, segment;
    bool odd;       /* something about this segment was encoded, or a backslash stood before it */
    bool in_params; /* behind a `;`: dropped */
    bool has_gap;   /* an empty segment was left out somewhere before */
    bool again;     /* `path` was decoded before: what is no escape stands for itself */
    bool literal;   /* only a '/' that was sent as one separates */
};

/* Old decoders take longer forms of '.' and '/' for the real ones (RFC 3629 §10). */
static bool is_overlong(unsigned char before, unsigned char c)
{
    if (c == 0xc0 || c == 0xc1)
        return true;
    return (before == 0xe0 && c >= 0x80 && c < 0xa0) || (before == 0xf0 && c >= 0x80 && c < 0x90);
}

static bool put(struct walk *w, unsigned char c)
{
    if (c == '\0' || c == '\r' || c == '\n' || is_overlong((unsigned char)w->out[w->len - 1], c))
        return false;
    if (c == ';')
        w->in_params = true;
    if (!w->in_params)
        w->out[w->len++] = (char)c;
    return true;
}

static bool is_blank(char c)
{
    return (unsigned char)c <= 0x20 || c == 0x7f;
}

/* "." and "..", also where blanks follow that some file systems drop. */
static bool is_dots(struct slice segment)
{
    while (segment.len && is_blank(segment.ptr[segment.len - 1]))
        segment.len--;
    return slice_eq(segment, SLICE(".")) || slice_eq(segment, SLICE(".."));
}

/* `plain`: ended by a '/' that was sent as one, or by the end of the path. */
static bool end_segment(struct walk *w, bool plain, bool last)
{
    struct slice segment = {w->out + w->segment, w->len - w->segment};
    if (w->in_params && !plain)
        return false;
    if (is_dots(segment)) {
        /* Whoever keeps empty segments goes up from one where we go up from what is before it. */
        if (w->odd || w->in_params || !plain || (segment.len == 2 && w->has_gap))
            return false;
        w->len = w->segment;
        if (segment.len == 2 && w->len > 1) {
            do
                w->len--;
            while (w->out[w->len - 1] != '/');
        }
    } else if (segment.len && !last) {
        w->out[w->len++] = '/';
    }
    w->has_gap |= segment.len == 0;
    w->segment = w->len;
    w->odd = !plain;
    w->in_params = false;
    return true;
}

static bool put_as_sent(struct walk *w, const char *from, size_t len)
{
    memcpy(w->out + w->len, from, len);
    w->len += len;
    w->odd = true;
    return true;
}

/* One raw byte or escape off the front. */
static bool take(struct walk *w, const char **p, const char *end)
{
    const char *from = *p;
    unsigned char raw = (unsigned char)*from;
    int escaped = raw == '%' ? percent_byte(from, end) : -1;
    bool is_escape = raw == '%' && (escaped >= 0 || !w->again);
    int c = is_escape ? escaped : raw;
    *p += is_escape ? 3 : 1;
    if (c < 0)
        return false;
    if (!is_escape && !w->again && (raw < 0x21 || raw == 0x7f || raw == '#'))
        return false;
    if ((c == '/' || c == '\\') && w->literal && raw != '/')
        return put_as_sent(w, from, (size_t)(*p - from));
    if (c == '/' || c == '\\')
        return end_segment(w, raw == '/', false);
    w->odd |= is_escape;
    return put(w, (unsigned char)c);
}

/* Would decoding once more bring a dot segment or a NUL to light? */
static bool hides_dots(struct slice path)
{
    const char *p = path.ptr, *end = p + path.len;
    size_t dots = 0;
    bool other = false;
    while (p < end) {
        int c = *p == '%' ? percent_byte(p, end) : (unsigned char)*p;
        p += *p == '%' && c >= 0 ? 3 : 1;
        if (c == '\0')
            return true;
        if (c == '/' || c == '\\' || c == ';') {
            if (!other && (dots == 1 || dots == 2))
                return true;
            dots = 0;
            other = c == ';';
        } else if (c == '.') {
            dots++;
        } else {
            other = true;
        }
    }
    return !other && (dots == 1 || dots == 2);
}

/* `how` sets what is special about the walk. */
static struct slice walk(struct arena *arena, struct slice path, struct walk how)
{
    struct walk w = how;
    w.out = arena_alloc(arena, path.len + 1);
    w.len = w.segment = 1;
    const char *p = path.ptr + 1, *end = path.ptr + path.len;
    w.out[0] = '/';
    while (p < end) {
        if (!take(&w, &p, end))
            return ambiguous;
    }
    if (!end_segment(&w, true, true))
        return ambiguous;
    struct slice done = {w.out, w.len};
    if (slice_find_byte(done, '%') < done.len && hides_dots(done))
        return ambiguous;
    return done;
}

static struct slice normalize_slowly(struct arena *arena, struct slice path)
{
    return walk(arena, path, (struct walk){.again = false});
}

/* ---- what else it may be taken for ---- */

enum { ROUNDS_MAX = 2 /* of decoding once more */ };

static bool is_known(const struct normalize_readings *r, struct slice path)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (slice_eq(r->paths[i], path))
            return true;
    }
    return false;
}

static void add_reading(struct normalize_readings *r, struct slice path)
{
    if (!is_known(r, path))
        r->paths[r->count++] = path;
}

/* Without blanks and dots at the ends of segments; segments of nothing else are dropped. */
static struct slice trimmed(struct arena *arena, struct slice path)
{
    char *out = arena_alloc(arena, path.len);
    size_t len = 0, segment = 0;
    for (size_t i = 0; i <= path.len; i++) {
        bool ends = i == path.len || path.ptr[i] == '/';
        while (ends && len > segment && (is_blank(out[len - 1]) || out[len - 1] == '.'))
            len--;
        if (i == path.len)
            break;
        if (ends && len > 0 && out[len - 1] == '/')
            len--;
        out[len++] = path.ptr[i];
        segment = ends ? len : segment;
    }
    return slice_of(out, len);
}

/* Behind "//" a URL parser expects a host: the path is what follows it. */
static struct slice without_host(struct slice path)
{
    size_t at = 1;
    while (at < path.len && path.ptr[at] != '/')
        at++;
    return at < path.len ? slice_sub(path, at, path.len) : SLICE("/");
}

static void add_readings(struct arena *arena, struct normalize_readings *r, struct slice path,
                         bool has_host)
{
    add_reading(r, path);
    add_reading(r, trimmed(arena, path));
    if (!has_host)
        return;
    add_reading(r, without_host(path));
    add_reading(r, trimmed(arena, without_host(path)));
}

/* One separator behind the first, in whatever way. */
static bool begins_twice(struct slice path)
{
    struct slice rest = slice_sub(path, 1, path.len);
    int c = rest.len && rest.ptr[0] == '%' ? percent_byte(rest.ptr, rest.ptr + rest.len)
            : rest.len                     ? rest.ptr[0]
                                           : 0;
    return c == '/' || c == '\\';
}

static bool has_escape(struct slice path)
{
    for (size_t i = 0; i + 2 < path.len; i++) {
        if (path.ptr[i] == '%' && percent_byte(path.ptr + i, path.ptr + path.len) >= 0)
            return true;
    }
    return false;
}

/* False: one of them is ambiguous by itself, or there is no end of decoding. */
static bool find_readings(struct arena *arena, struct slice path, struct slice canonical,
                          struct normalize_readings *r)
{
    bool has_host = begins_twice(path);
    struct slice again = canonical;
    add_readings(arena, r, canonical, has_host);
    for (unsigned round = 0; has_escape(again); round++) {
        if (round == ROUNDS_MAX)
            return false;
        again = walk(arena, again, (struct walk){.again = true});
        if (slice_is_empty(again))
            return false;
        add_readings(arena, r, again, has_host);
    }
    struct slice literal = walk(arena, path, (struct walk){.literal = true});
    if (!slice_is_empty(literal))
        add_reading(r, literal);
    return true;
}

struct slice normalize_path_readings(struct arena *arena, struct slice path,
                                     const struct normalize_readings **others)
{
    *others = NULL;
    struct slice canonical = normalize_path(arena, path);
    if (canonical.len == 0 || canonical.ptr == path.ptr)
        return canonical;
    struct normalize_readings found = {.count = 0};
    if (!find_readings(arena, path, canonical, &found))
        return ambiguous;
    if (found.count > 1) {
        struct normalize_readings *kept = arena_alloc(arena, sizeof(*kept));
        kept->count = found.count - 1; /* the first is the canonical one */
        memcpy(kept->paths, found.paths + 1, kept->count * sizeof(found.paths[0]));
        *others = kept;
    }
    return canonical;
}

struct slice normalize_path(struct arena *arena, struct slice path)
{
    if (path.len == 0)
        return ambiguous;
    if (path.ptr[0] != '/') /* OPTIONS * (RFC 9112 §3.2.4) */
        return path.len == 1 && path.ptr[0] == '*' ? path : ambiguous;
    return is_clean(path) ? path : normalize_slowly(arena, path);
}
