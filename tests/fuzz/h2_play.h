/* Plays a fuzzer's input to one end of an HTTP/2 connection. The input is a list of records, so
 * that mutations stay frames: 0x00..0x0f a frame of that type: flags, id, length (one byte each),
 * payload 0x10 bytes as they are: length (one byte), bytes 0x20..0x2f the user does something to
 * one of its streams: which (one byte) Aborts when a promise of lib/codec/h2/h2.h is broken.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void h2_play(bool server, const uint8_t *data, size_t size);
