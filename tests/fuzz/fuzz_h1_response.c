/* HTTP/1 responses, many behind one another: the same in every cut, and what is taken survives
 * being written and read again. The first byte chooses the cut.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/h1_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    h1_trace_compare(H1_RESPONSE, data + 1, len - 1, 1 + data[0] % 61);
    return 0;
}
