/* The fields of config.proto's messages by their descriptors, for those who show messages to
 * people: what a message has, and what nobody may see. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "policies/proto/config.pb-c.h"

/* A private key, or the value of a Secret. */
bool config_field_is_secret(const ProtobufCFieldDescriptor *f);
/* How many values the message has of it: of a field that is not repeated one, or none where proto3
 * leaves it out. *values is the first of them, *stride the bytes from one to the next. */
size_t config_field_values(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *f,
                           const char **values, size_t *stride);
