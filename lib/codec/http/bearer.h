/* Tokens that go into "Authorization: Bearer": what of a file's text is the token. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

/* The token, without the white space around it. Empty: there is none, and *why says what is wrong,
 * in words that follow "token file NAME ". */
struct slice bearer_token(struct slice text, const char **why);
