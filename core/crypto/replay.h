/*
 * Replay window of one session. Source: CryptoAuth notes §8, bit for bit.
 * Called only after a packet authenticated. Embedded in the session; its owner's thread.
 */
#ifndef CJD_CRYPTO_REPLAY_H
#define CJD_CRYPTO_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

struct cjd_replay {
    uint64_t bits; /* bit i: counter base + i was seen */
    uint32_t base;
    uint32_t duplicates;
    uint32_t lost;
    uint32_t out_of_range;
};

/* True: first time, and now marked. */
bool cjd_replay_accept(struct cjd_replay *r, uint32_t counter);

#endif
