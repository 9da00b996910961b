/* A distinguished name as text (RFC 4514). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "lib/base/slice.h"

#define X509_SUBJECT_MAX 512

/* raw: the content of a Name, without its SEQUENCE header. The most specific part comes first. What
 * does not fit, or is not a character string, is left out as "...". Returns the length; no NUL. */
size_t x509_subject_text(struct slice raw, char text[X509_SUBJECT_MAX]);
