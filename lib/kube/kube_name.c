/* Reads a resolver's search list and completes names with what it says. Any thread; reads one small
 * file. Must not know whose names they are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_name.h"

#include "lib/base/mem.h"
#include "lib/io/file.h"

enum { FILE_MAX = 65536 };

#define RESOLV_CONF "/etc/resolv.conf"

static struct slice next_word(struct slice *rest)
{
    size_t start = 0, end;
    while (start < rest->len && (rest->ptr[start] == ' ' || rest->ptr[start] == '\t'))
        start++;
    for (end = start; end < rest->len && rest->ptr[end] != ' ' && rest->ptr[end] != '\t'; end++)
        ;
    struct slice word = slice_sub(*rest, start, end - start);
    *rest = slice_sub(*rest, end, rest->len - end);
    return word;
}

struct slice kube_name_find_domain(struct slice resolv_conf)
{
    struct slice line, word, found = SLICE("");
    while (slice_split(&resolv_conf, '\n', &line)) {
        if (!slice_eq(next_word(&line), SLICE("search")))
            continue;
        /* The last list is the one that counts (resolv.conf(5)). */
        found = SLICE("");
        while ((word = next_word(&line)).len && !found.len)
            if (slice_starts_with(word, SLICE("svc.")))
                found = slice_sub(word, 4, word.len - 4);
    }
    if (found.len && found.ptr[found.len - 1] == '.')
        found.len--;
    return found;
}

char *kube_name_domain(const char *option)
{
    char *text;
    size_t len;
    if (!slice_eq_cstr(slice_from_cstr(option), KUBE_NAME_AUTO))
        return mem_strdup(option);
    if (file_read(RESOLV_CONF, FILE_MAX, &text, &len))
        return mem_strdup(KUBE_NAME_DOMAIN);
    struct slice found = kube_name_find_domain(slice_of(text, len));
    char *domain = found.len ? mem_strndup(found.ptr, found.len) : mem_strdup(KUBE_NAME_DOMAIN);
    mem_free(text);
    return domain;
}

char *kube_name_complete(struct slice address, struct slice domain)
{
    size_t colon = slice_find_byte(address, ':');
    struct slice host = slice_sub(address, 0, colon);
    struct slice port = slice_sub(address, colon, address.len - colon);
    if (!slice_ends_with(host, SLICE(".svc")))
        return mem_strndup(address.ptr, address.len);
    return mem_printf("%.*s.%.*s.%.*s", SLICE_ARG(host), SLICE_ARG(domain), SLICE_ARG(port));
}

void kube_name_complete_option(char **address, const char *domain)
{
    if (!*address)
        return;
    char *whole = kube_name_complete(slice_from_cstr(*address), slice_from_cstr(domain));
    mem_free(*address);
    *address = whole;
}
