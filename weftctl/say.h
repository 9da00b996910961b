/* Complaints on stderr: each begins with the verb that complains.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* From then on complaints begin "weftctl VERB: ". verb lives for ever. */
void say_verb(const char *verb);
/* "weftctl VERB: …" and a newline. */
void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
