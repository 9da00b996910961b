/* Pseudo-random numbers (xoroshiro128++, seeded by splitmix64) and the kernel's secure bytes. A
 * rand_state belongs to one thread; rand_secure is for any. The fast numbers are never for
 * secrets.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/rand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static uint64_t seed_step(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void rand_seed(struct rand_state *r, uint64_t seed)
{
    r->s[0] = seed_step(&seed);
    r->s[1] = seed_step(&seed);
}

uint64_t rand_next(struct rand_state *r)
{
    uint64_t a = r->s[0], b = r->s[1];
    uint64_t result = rotate(a + b, 17) + a;
    b ^= a;
    r->s[0] = rotate(a, 49) ^ b ^ (b << 21);
    r->s[1] = rotate(b, 28);
    return result;
}

uint32_t rand_below(struct rand_state *r, uint32_t bound)
{
    uint64_t product = (rand_next(r) >> 32) * bound;
    if ((uint32_t)product < bound) {
        /* The low half tells when the draw fell into the uneven rest of the range. */
        uint32_t uneven = -bound % bound;
        while ((uint32_t)product < uneven)
            product = (rand_next(r) >> 32) * bound;
    }
    return (uint32_t)(product >> 32);
}

double rand_unit(struct rand_state *r)
{
    return (double)(rand_next(r) >> 11) * 0x1p-53;
}

void rand_secure(void *out, size_t len)
{
    unsigned char *to = out;
    while (len) {
        ssize_t n = getrandom(to, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            perror("no random bytes from the kernel: getrandom");
            abort();
        }
        to += n;
        len -= (size_t)n;
    }
}

/* Four bytes as eight digits, the low half of the lowest byte first: each half becomes a byte, and
 * all eight become text at once. */
static uint64_t hex_digits(uint32_t bits)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t digits = bits;
    digits = (digits | digits << 16) & 0x0000ffff0000ffffu;
    digits = (digits | digits << 8) & 0x00ff00ff00ff00ffu;
    digits = (digits | digits << 4) & 0x0f0f0f0f0f0f0f0fu;
    uint64_t is_letter = ((digits + 6 * ones) >> 4) & ones;
    return digits + '0' * ones + is_letter * ('a' - '9' - 1);
}

/* Digit 12 is the version, the upper half of digit 16 the variant (RFC 9562 §5.4). */
void rand_uuid(struct rand_state *r, char out[RAND_UUID_SIZE])
{
    uint64_t front = rand_next(r), back = rand_next(r);
    front = (front & ~(UINT64_C(15) << 48)) | UINT64_C(4) << 48;
    back = (back & ~UINT64_C(12)) | 8;
    uint64_t digits[4] = {hex_digits((uint32_t)front), hex_digits((uint32_t)(front >> 32)),
                          hex_digits((uint32_t)back), hex_digits((uint32_t)(back >> 32))};
    const char *from = (const char *)digits;
    memcpy(out, from, 8);
    memcpy(out + 9, from + 8, 4);
    memcpy(out + 14, from + 12, 4);
    memcpy(out + 19, from + 16, 4);
    memcpy(out + 24, from + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
    out[36] = '\0';
}
