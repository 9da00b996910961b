/* Looks through the lines of iptables-save. Pure; views into the text. Must not know what our
 * rules should be, nor run anything.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_state.h"

static const char *const chain_names[REDIRECT_CHAIN_COUNT] = {
    [REDIRECT_CHAIN_INBOUND] = "WEFT_INBOUND",
    [REDIRECT_CHAIN_OUTPUT] = "WEFT_OUTPUT",
    [REDIRECT_CHAIN_REDIRECT] = "WEFT_REDIRECT",
    [REDIRECT_CHAIN_IN_REDIRECT] = "WEFT_IN_REDIRECT",
};

const char *redirect_state_chain_name(enum redirect_chain chain)
{
    return chain_names[chain];
}

static bool is_chain(struct slice word, enum redirect_chain chain)
{
    return slice_eq_cstr(word, chain_names[chain]);
}

static bool is_ours(struct slice word)
{
    for (unsigned i = 0; i < REDIRECT_CHAIN_COUNT; i++) {
        if (is_chain(word, (enum redirect_chain)i))
            return true;
    }
    return false;
}

/* The next word; a quoted comment is one word, whatever it says. */
static bool next_word(struct slice *rest, struct slice *word)
{
    *rest = slice_trim(*rest);
    if (slice_is_empty(*rest))
        return false;
    bool quoted = rest->ptr[0] == '"';
    size_t n = quoted ? 1 : 0;
    while (n < rest->len && rest->ptr[n] != (quoted ? '"' : ' '))
        n += quoted && rest->ptr[n] == '\\' ? 2 : 1;
    n = n + quoted < rest->len ? n + quoted : rest->len;
    *word = slice_sub(*rest, 0, n);
    *rest = slice_sub(*rest, n, rest->len);
    return true;
}

bool redirect_state_has_chain(struct slice saved, enum redirect_chain chain)
{
    struct slice line, word;
    while (slice_split(&saved, '\n', &line)) {
        if (next_word(&line, &word) && word.ptr[0] == ':' &&
            is_chain(slice_sub(word, 1, word.len), chain))
            return true;
    }
    return false;
}

/* The chain of an "-A" line; empty for others. Moves *line behind it. */
static struct slice appended_to(struct slice *line)
{
    struct slice word;
    if (!next_word(line, &word) || !slice_eq(word, SLICE("-A")) || !next_word(line, &word))
        return (struct slice){NULL, 0};
    return word;
}

bool redirect_state_next_rule(struct slice *rest, enum redirect_chain chain, struct slice *line)
{
    while (slice_split(rest, '\n', line)) {
        struct slice words = *line;
        if (is_chain(appended_to(&words), chain))
            return true;
    }
    return false;
}

static bool leads_to_us(struct slice words)
{
    struct slice word;
    while (next_word(&words, &word)) {
        bool jump = slice_eq(word, SLICE("-j")) || slice_eq(word, SLICE("-g"));
        if (jump && next_word(&words, &word) && is_ours(word))
            return true;
    }
    return false;
}

bool redirect_state_next_jump(struct slice *rest, struct slice *line)
{
    while (slice_split(rest, '\n', line)) {
        struct slice words = *line;
        struct slice chain = appended_to(&words);
        if (!slice_is_empty(chain) && !is_ours(chain) && leads_to_us(words))
            return true;
    }
    return false;
}
