/* The client end of an HTTP/2 connection against a peer of the fuzzer's making.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/h2_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    h2_play(false, data, size);
    return 0;
}
