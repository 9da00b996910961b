/* Certificates of authorities that the library cannot use, or that we do not want to: what people
 * have in their bundles beside good ones. Their keys are gone; they are valid until 2124.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

static const char odd_ed25519[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBFDCBx6ADAgECAhRY/6+56piVK91uhyIEkpTD0LXgHTAFBgMrZXAwFzEVMBMG\n"
    "A1UEAwwMZWQyNTUxOSByb290MCAXDTI0MDEwMTAwMDAwMFoYDzIxMjQwMTAxMDAw\n"
    "MDAwWjAXMRUwEwYDVQQDDAxlZDI1NTE5IHJvb3QwKjAFBgMrZXADIQBgD24+oeAv\n"
    "n7lShOlupAswuFrsYhdloYcB/POtqAxLrKMjMCEwDwYDVR0TAQH/BAUwAwEB/zAO\n"
    "BgNVHQ8BAf8EBAMCAQYwBQYDK2VwA0EAov3BmPKmniOI6MnJOXvwQWBwvUXOzxA0\n"
    "O2Ap1sD9JIj3uxAwGZlU5RbYv/zPy4xlQJXLiZzapKOmdOY839vhCA==\n"
    "-----END CERTIFICATE-----\n";

static const char odd_ed448[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBWzCB3KADAgECAhQdh2CGhqEYSahE39/vqgyK9SO7mDAFBgMrZXEwFTETMBEG\n"
    "A1UEAwwKZWQ0NDggcm9vdDAgFw0yNDAxMDEwMDAwMDBaGA8yMTI0MDEwMTAwMDAw\n"
    "MFowFTETMBEGA1UEAwwKZWQ0NDggcm9vdDBDMAUGAytlcQM6ACbzP/0IoXYtzDE4\n"
    "k//rUM/VoWhgXsS27DEKwC8PeITJ/D1P/IM0Vfg7e62E78uNWA6mxgTA4nungKMj\n"
    "MCEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwBQYDK2VxA3MAuT1T\n"
    "gwiv8U8FKC74jwjfOmRh2y5phhiz42/4Jl8Y95wsx9RBvlcj5FcDzqyPpq4QjGlA\n"
    "sh1a9MQAU2X2v5XwrzNWMaFDnnEo0jL6x3XCo/nCtA0+fpQMxYBoo31W/XUNiMo7\n"
    "kl6UXzQFO2RK7U+X+CEA\n"
    "-----END CERTIFICATE-----\n";

static const char odd_rsa_1024[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB3jCCAUegAwIBAgIUReFDa0s2jPIahmXgI2oeOOc4CTIwDQYJKoZIhvcNAQEL\n"
    "BQAwGDEWMBQGA1UEAwwNcnNhIDEwMjQgcm9vdDAgFw0yNDAxMDEwMDAwMDBaGA8y\n"
    "MTI0MDEwMTAwMDAwMFowGDEWMBQGA1UEAwwNcnNhIDEwMjQgcm9vdDCBnzANBgkq\n"
    "hkiG9w0BAQEFAAOBjQAwgYkCgYEAx1pKQ861FRMsdzCGZ7+wqVnC2EGPtciUAtur\n"
    "F+CJ0s52GF1PyDiipqu0SMD4t5spve91dF8olxIPog5z9PyBQibYzNq9zoO3H8nk\n"
    "BZCM+Zk/E47PACajSvz+uv1p6nU0HCgph6TulbS3341j2Y13q9D2InenTYD5l/21\n"
    "XjeKMLMCAwEAAaMjMCEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYw\n"
    "DQYJKoZIhvcNAQELBQADgYEAOhCpdiSc1LZyv3TTplwjuRyy5DT/YLKPEdzykq/e\n"
    "fgVH4VgfROB/00LV6uYrCGdGKwbzkfwy+2pfyDufj3tSxvTGeJpH+YuQCQXv+2UT\n"
    "skCNu16duz8x+xePT+Rf2tNUtYr9mdDIbrSL655iiRvdbcwFJhN6SCYKKkIhfZt+\n"
    "MXQ=\n"
    "-----END CERTIFICATE-----\n";

static const char odd_p224[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBOzCB6qADAgECAhQFycjRV7Xxvy/BVwX9kGjjMGtEvDAKBggqhkjOPQQDAjAU\n"
    "MRIwEAYDVQQDDAlwMjI0IHJvb3QwIBcNMjQwMTAxMDAwMDAwWhgPMjEyNDAxMDEw\n"
    "MDAwMDBaMBQxEjAQBgNVBAMMCXAyMjQgcm9vdDBOMBAGByqGSM49AgEGBSuBBAAh\n"
    "AzoABBBJYBC+7jLWBZAbsKmoGGjyopVXJkXQIU16ViwlgfdkkDjga8ppbc9mPCMC\n"
    "rFYxoqc2MiHbR0H+oyMwITAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIB\n"
    "BjAKBggqhkjOPQQDAgNAADA9Ah0AzMHmWBmNpB8dirx0yw9fizz15u4dNg5LB7S9\n"
    "CgIcdG6GSO15EeTeho+o8Pa3+OsDm5fQS6zeuwssog==\n"
    "-----END CERTIFICATE-----\n";

static const char odd_p384[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBiTCCARCgAwIBAgIUcAevI6P+tPb5/c2BPpdytrRXyzQwCgYIKoZIzj0EAwMw\n"
    "EzERMA8GA1UEAwwIb2RkX3AzODQwIBcNMjQwMTAxMDAwMDAwWhgPMjEyNDAxMDEw\n"
    "MDAwMDBaMBMxETAPBgNVBAMMCG9kZF9wMzg0MHYwEAYHKoZIzj0CAQYFK4EEACID\n"
    "YgAE40WR4F6S6gb1aT5cHbj8ZPJtZuOLeC98CEH00ko1b0RSwgklX2ei/0MsbtE7\n"
    "pi1cXRYzRKx8CnJ2mLljhE2MlEiqPgubwYK+34UMcw/dgZ4HvAUV4UVM4iy7s3mF\n"
    "BHeEoyMwITAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjO\n"
    "PQQDAwNnADBkAjAtPVT0JIAkYIWE/3lw5vSrpqJHwYDMKcRZy7MsMS5n454D2aZ2\n"
    "drEHOjsYTKNECuwCMAm3oHfHcCxUi2KNwj7w08sa5ODYpULvPOD6aAjUOOpfiBkx\n"
    "peSTP6FLMUzeVoKVqw==\n"
    "-----END CERTIFICATE-----\n";

static const char odd_p521[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB0zCCATagAwIBAgIUQQlNuqm6couHuO0BU3FBxYJel1cwCgYIKoZIzj0EAwMw\n"
    "EzERMA8GA1UEAwwIb2RkX3A1MjEwIBcNMjQwMTAxMDAwMDAwWhgPMjEyNDAxMDEw\n"
    "MDAwMDBaMBMxETAPBgNVBAMMCG9kZF9wNTIxMIGbMBAGByqGSM49AgEGBSuBBAAj\n"
    "A4GGAAQBV6ImN13vagdhLf0uGUH99ynvcugok5ECbqVTOm4s3CQVqWmQjPe6zkDF\n"
    "ivdIr9QP6mzAS1P2hXgyqDLhZ3P4WrMAwSJGEfa+fngSJHrI9OW/7ifN9pyLh+AV\n"
    "8OJlsQpo2luweVKY4ZYTic27uNdUm1uVuBSvndm4Ibe7rFYJIdtjqiOjIzAhMA8G\n"
    "A1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMAoGCCqGSM49BAMDA4GKADCB\n"
    "hgJBfhoBmESASDrRfBSUy7IAJKMli71Mc+67IWBugGcXGYq/iFWp0L2Sn83RfRkJ\n"
    "lBmaGd2ezoT1eU3qBva8vQbiqYMCQV5cPtDoNXAhQ88EuKr1NgAbLYVWsfpg7gBC\n"
    "uQ635El+JBMX7c5H3KQ26VnNkAaCMdrGhXSYypInyjIxEF3Dj2zx\n"
    "-----END CERTIFICATE-----\n";

static const char odd_rsa_4096[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIE4zCCAsugAwIBAgIUObINC5jcTnlrjyRpgIakDnMXeYYwDQYJKoZIhvcNAQEL\n"
    "BQAwGDEWMBQGA1UEAwwNcnNhIDQwOTYgcm9vdDAgFw0yNDAxMDEwMDAwMDBaGA8y\n"
    "MTI0MDEwMTAwMDAwMFowGDEWMBQGA1UEAwwNcnNhIDQwOTYgcm9vdDCCAiIwDQYJ\n"
    "KoZIhvcNAQEBBQADggIPADCCAgoCggIBAOpVkPCA6Mn7qUFd8Fd/42a9vy+JDYnz\n"
    "rpjjL8pX4bBqWebIXqX/wsfteE6Q0hZv2jg2hTzYcrnSiB0nS+kvpkjHKYOaZtFj\n"
    "zzatLYPP6PE6LLA42DoWysd6o2stdqDviHxEe4W3Ce8b7DkN8pRHfOw+arxpudxF\n"
    "a6DiB8yO/gPPrNlUSRKhHR0ZUblLOuvq8/hwEAvtyx6h2/GgOasQTseMqkbZq6Wj\n"
    "nYqyRHRjHdR3VzmDk6jFMLw+Ll0wuTd7xGVVk1kEI3joPpbr4bH4KT7fbqeZKz12\n"
    "m5pRSeVUftUtad+dKoJyszMmCXm/uoeGKiUnWuf2l6AE41Os0NfZ6ZBZ9okhJzo0\n"
    "YUTGCIEGt2Ca7D07rOQxqcNlmTD4C5wve1Ri0a4/6sMvNxKkWRcNK2SgxhqT2/by\n"
    "FtUxvVr7Hz+XD7cyz5UvH4xRKnH0edVgcKCZNtmKG1yvyxm8RFW2RaUPAidCqv1H\n"
    "MuB9/nIGqWUGuitBArmYhd+gwSAZeuIqNDYUia9Qsfqxc755j0ICdW7o7A0SOOt+\n"
    "+DUk3baK2DLhh0uil9N6m7E0oQHiGr8Fog5pJD/1SnQDTXqjTHES9XjtWpbyeaNH\n"
    "o64kyEL6SoEvOyZrB8app12Ik4DoFF2LB1VVUihNCwN9XcJ8soR8zTyxFch36TK0\n"
    "uii7gFMRP6wbAgMBAAGjIzAhMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQD\n"
    "AgEGMA0GCSqGSIb3DQEBCwUAA4ICAQBeXk7jSTIT/PlUUWgFRa73ascDVDz+7Nri\n"
    "/tSOTPb8lUQXN6z3a9sFUSklhELNfzwfgOhaapC9nI26XLMeOgIoZCfah9MKiuvg\n"
    "OSRrTdNd/F1u2ikoDa6ySGEKCKnjNHhxmV+CE9vfYM+3locMz2rSIV6i79rkYGIr\n"
    "94aVFsAelN6Xnx/aa2F1ZMKqlY5TDBG4XZFvBKQTI4rklZVETSpcCGFrGDiO3g2t\n"
    "UIBKjXvB/UN1j/1AQHGFMLEatJSLQQTML9JmwZjk073+wVyO9qQx54Uyyq6qbrbK\n"
    "TBgos2CSjUJV/HyXSKNm4GGqWZfwnnsM4FNZKXkoVlmJR/b4nDtEkGEZuIP/p5+g\n"
    "pY4ES8HZOjtw0SCf/AJzYyIV7SjyfmRozlTexAsUnYrssync4xJDEJfOg7yWgzio\n"
    "v8JlJjqYzKgfvxnWEwdZhYoDWIQ3hM7EDIw0V4rFnG5BvdiyzUhpPqjfZLkZQS+3\n"
    "eSIRqdjsa1zAxpCwsLab6n6bTu+DFgaGhKYGxM5Fp345bOEd5erB/GlORXPYwTHS\n"
    "bk8XV92nhsIhL+uCY5HL75mSWHBKzUfLyUic94UCrHkblesgz8CGKP4ANXf1i4rH\n"
    "JGGTfZb/zHjx/FQxfjy8f+/rVMjGFOegI+S7pDnCnKyYMAAKmDA3slvXKlgr4ZFa\n"
    "/NqgRvWb9g==\n"
    "-----END CERTIFICATE-----\n";
