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

void rand_uuid(struct rand_state *r, char out[RAND_UUID_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    uint64_t bits[2] = {rand_next(r), rand_next(r)};
    uint8_t bytes[16];
    memcpy(bytes, bits, 16);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = hex[bytes[i] >> 4];
        *out++ = hex[bytes[i] & 15];
    }
    *out = '\0';
}
