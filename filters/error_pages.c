/* errorPages: what clients read instead of an error: another text, in the form that they ask for,
 * and another status where it should not say too much.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/shape/accept.h"
#include "filters/shape/body_form.h"
#include "filters/shape/status_range.h"
#include "filters/shape/template.h"
#include "lib/schema/schema_ref.h"

/* ---- what users write ---- */

enum form { FORM_JSON, FORM_HTML, FORM_TEXT, FORM_COUNT };

struct page_spec {
    struct schema_list statuses; /* struct slice */
    int64_t status;
    struct slice bodies[FORM_COUNT];
    const struct schema_ref *refs[FORM_COUNT];
};

enum of { OF_GATEWAY, OF_ALL };

struct error_pages_spec {
    int of;
    struct schema_list pages; /* struct page_spec */
};

static const struct schema_field status_element = {.type = SCHEMA_STRING, .min = 3, .max = 7};

#define BODY(form, name, what)                                                                    \
    SCHEMA_FIELD(struct page_spec, bodies[form], name, STRING,                                    \
                 what " $(status), $(reason), $(requestID) and the values of a transform stand "  \
                      "for what they are here.",                                                  \
                 .max = 65536)
#define REF(form, name, what)                                                                     \
    SCHEMA_FIELD(struct page_spec, refs[form], name, OBJECT, what " from a ConfigMap.",           \
                 .object = &schema_ref_config_map)

static const struct schema_field page_fields[] = {
    SCHEMA_FIELD(struct page_spec, statuses, "statuses", LIST,
                 "Which errors: \"404\", \"5xx\", \"502-504\". The first page that names one is "
                 "its page.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 32, .element = &status_element),
    SCHEMA_FIELD(struct page_spec, status, "status", INT,
                 "Another status for the client; left out, it stays.", .min = 200, .max = 599,
                 .fallback = 0),
    BODY(FORM_JSON, "json", "For clients that want JSON, and those that do not say."),
    REF(FORM_JSON, "jsonRef", "The same"),
    BODY(FORM_HTML, "html", "For browsers."),
    REF(FORM_HTML, "htmlRef", "The same"),
    BODY(FORM_TEXT, "text", "Plain text."),
    REF(FORM_TEXT, "textRef", "The same"),
    {0},
};

static const struct schema page_schema = {
    .name = "ErrorPage",
    .doc = "The page of some errors, in one or more forms; Accept decides between them.",
    .size = sizeof(struct page_spec),
    .fields = page_fields,
};
static const struct schema_field page_element = {.type = SCHEMA_INLINE, .object = &page_schema};

static const char *const ofs[] = {[OF_GATEWAY] = "Gateway", [OF_ALL] = "All", NULL};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct error_pages_spec, of, "answersOf", ENUM,
                 "Whose errors get a page: those that Weft answers itself, or All, the backend's "
                 "too.",
                 .choices = ofs, .fallback = OF_GATEWAY),
    SCHEMA_FIELD(struct error_pages_spec, pages, "pages", LIST, "The pages.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 32, .element = &page_element),
    {0},
};

static const struct schema spec_schema = {
    .name = "ErrorPages",
    .doc = "What clients read instead of an error. gRPC calls keep their status.",
    .size = sizeof(struct error_pages_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

enum { STATUS_FIRST = 400, STATUS_COUNT = 200, PAGE_NONE = 0xff };

struct page {
    unsigned status; /* 0: as it is */
    bool has[FORM_COUNT];
    struct template bodies[FORM_COUNT];
};

struct conf {
    const struct page *pages;
    uint8_t page_of[STATUS_COUNT]; /* from 400 on */
    bool of_all;
};

static const struct slice types[] = {
    [FORM_JSON] = {"application/json", 16},
    [FORM_HTML] = {"text/html", 9},
    [FORM_TEXT] = {"text/plain", 10},
};
static const char *const form_names[] = {"json", "html", "text"};

static enum err take_statuses(const struct filter_build *b, const struct page_spec *s, uint8_t at,
                              struct conf *c)
{
    unsigned number = 0;
    for (SCHEMA_EACH(s->statuses, struct slice, text)) {
        uint64_t from, to;
        if (!status_range_read(*text, &from, &to) || from < STATUS_FIRST)
            return filter_refuse(b, "pages[%u].statuses[%u]: \"%.*s\" is not a status of an error "
                                    "such as \"404\", \"5xx\" or \"502-504\"",
                                 at, number, SLICE_ARG(*text));
        for (uint64_t i = from; i <= to; i++)
            if (c->page_of[i - STATUS_FIRST] == PAGE_NONE)
                c->page_of[i - STATUS_FIRST] = at;
        number++;
    }
    return ERR_OK;
}

static enum err take_page(const struct filter_build *b, const struct page_spec *s, uint8_t at,
                          struct page *to)
{
    bool any = s->status != 0;
    to->status = (unsigned)s->status;
    if (s->status == 204 || s->status == 205 || s->status == 304)
        return filter_refuse(b, "pages[%u].status: an answer with status %d has no body", at,
                             (int)s->status);
    for (int i = 0; i < FORM_COUNT; i++) {
        struct slice text = s->refs[i] ? s->refs[i]->value : s->bodies[i];
        if (s->refs[i] && s->bodies[i].ptr)
            return filter_refuse(b, "pages[%u]: write %s or %sRef, not both", at, form_names[i],
                                 form_names[i]);
        if (!text.ptr)
            continue;
        any = to->has[i] = true;
        const char *why = template_compile(b->arena, text, true, &to->bodies[i]);
        if (why)
            return filter_refuse(b, "pages[%u].%s: %s", at, form_names[i], why);
    }
    return any ? ERR_OK
               : filter_refuse(b, "pages[%u]: needs one of json, html, text and status", at);
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct error_pages_spec *s = spec;
    struct conf *c = conf;
    struct page *pages = arena_zalloc(b->arena, s->pages.count * sizeof(*pages));
    uint8_t at = 0;
    c->pages = pages;
    c->of_all = s->of == OF_ALL;
    memset(c->page_of, PAGE_NONE, sizeof(c->page_of));
    for (SCHEMA_EACH(s->pages, struct page_spec, page)) {
        enum err e = take_statuses(b, page, at, c);
        e = e ? e : take_page(b, page, at, &pages[at]);
        if (e)
            return e;
        at++;
    }
    return ERR_OK;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    unsigned count = 0;
    (void)prefix;
    for (unsigned i = 0; i < STATUS_COUNT; i++)
        count += c->page_of[i] != PAGE_NONE;
    return arena_printf(arena, "pages of its own for %u statuses, of %s", count,
                        c->of_all ? "all answers" : "answers that are not the backend's");
}

/* ---- hooks ---- */

static const struct page *find_page(const struct conf *c, const struct filter_exchange *x)
{
    unsigned status = x->response->status;
    if (status < STATUS_FIRST || status >= STATUS_FIRST + STATUS_COUNT ||
        !(c->of_all || x->is_answered_here) || message_is_grpc(x->request))
        return NULL;
    uint8_t at = c->page_of[status - STATUS_FIRST];
    return at == PAGE_NONE ? NULL : &c->pages[at];
}

/* FORM_COUNT: the page has none. What nobody accepts is better than nothing. */
static int choose_form(const struct page *p, const struct headers *request)
{
    int best = FORM_COUNT;
    unsigned quality = 0;
    for (int i = 0; i < FORM_COUNT; i++) {
        unsigned q = p->has[i] ? accept_quality(request, types[i]) : 0;
        if (p->has[i] && (best == FORM_COUNT || q > quality)) {
            best = i;
            quality = q;
        }
    }
    return best;
}

static struct slice render(const struct page *p, int form, struct filter_exchange *x)
{
    static const enum template_use uses[] = {
        [FORM_JSON] = TEMPLATE_JSON, [FORM_HTML] = TEMPLATE_HTML, [FORM_TEXT] = TEMPLATE_PLAIN};
    struct slice body;
    template_render(&p->bodies[form], x, uses[form], &body);
    return body;
}

/* Of the body that was. */
static bool is_of_body(const struct header *h)
{
    static const char *const names[] = {"content-encoding", "content-language",
                                        "content-disposition", "content-range", "accept-ranges",
                                        "etag", "last-modified", "content-length"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq_cstr(h->name, names[i]))
            return true;
    return false;
}

static void describe_body(struct message *m, int form)
{
    static const struct slice full[] = {
        [FORM_JSON] = {"application/json; charset=utf-8", 31},
        [FORM_HTML] = {"text/html; charset=utf-8", 24},
        [FORM_TEXT] = {"text/plain; charset=utf-8", 25},
    };
    body_form_changed(m);
    headers_remove_if(&m->headers, is_of_body);
    headers_set_id(&m->headers, HEADER_CONTENT_TYPE, full[form]);
}

/* The backend's page is longer than one waits for: it ends here. */
static enum filter_verdict answer_instead(struct filter_exchange *x, int form, struct slice body)
{
    describe_body(x->response, form);
    const struct message old = *x->response;
    struct message *m = x->host->reply(x, old.status, body);
    for (uint32_t i = 0; i < old.headers.count; i++) {
        const struct header *from = &old.headers.items[i];
        if (from->id != HEADER_X_REQUEST_ID)
            headers_add(&m->headers, from->name, from->value)->id = from->id;
    }
    return FILTER_REPLY;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    enum { PEEK_MAX = 16384 };
    const struct page *p = find_page(conf, x);
    struct slice ignored;
    bool is_whole;
    (void)ctx;
    if (!p)
        return FILTER_NEXT;
    int form = choose_form(p, &x->request->headers);
    if (form != FORM_COUNT && !x->host->peek_response_body(x, PEEK_MAX, &ignored, &is_whole))
        return FILTER_WAIT;
    if (p->status)
        x->response->status = (uint16_t)p->status;
    if (form == FORM_COUNT)
        return FILTER_NEXT;
    struct slice body = render(p, form, x);
    if (!is_whole && !x->is_answered_here)
        return answer_instead(x, form, body);
    describe_body(x->response, form);
    x->host->replace_response_body(x, body);
    return FILTER_NEXT;
}

const struct filter filter_error_pages = {
    .name = "errorPages",
    .doc = "Gives errors a page of their own, in the form that the client accepts.",
    .phase = FILTER_PHASE_CORS,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_response = on_response,
    .sees_every_answer = true,
    .describe = describe,
    .is_pure = true,
};
