/* A configuration as text, for people: the protobuf text form, indented, private keys left out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "policies/proto/config.pb-c.h"

void config_text_write(const Weft__Config__V1__Configuration *configuration, struct buf *to);
/* One message of it. */
void config_text_write_message(const ProtobufCMessage *message, unsigned indent, struct buf *to);
