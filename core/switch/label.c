#include <switch/label.h>

uint64_t cjd_label_splice(uint64_t to, uint64_t via)
{
    unsigned width = cjd_log2(via);

    if (cjd_log2(to) + width > CJD_LABEL_MAX_LOG2) {
        return CJD_LABEL_INVALID;
    }
    /* The end marker of `via` is at the same time bit 0 of what follows: switch notes §10. */
    return ((to ^ 1) << width) ^ via;
}

bool cjd_label_routes_through(uint64_t dest, uint64_t mid)
{
    if (mid > dest) {
        return false;
    }
    uint64_t mask = (1ull << cjd_log2(mid)) - 1;
    return ((dest ^ mid) & mask) == 0;
}

uint64_t cjd_label_reverse(uint64_t label)
{
    uint64_t x = __builtin_bswap64(label);

    x = (x >> 4 & 0x0f0f0f0f0f0f0f0full) | (x & 0x0f0f0f0f0f0f0f0full) << 4;
    x = (x >> 2 & 0x3333333333333333ull) | (x & 0x3333333333333333ull) << 2;
    return (x >> 1 & 0x5555555555555555ull) | (x & 0x5555555555555555ull) << 1;
}
