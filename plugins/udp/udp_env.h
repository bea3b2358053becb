/* What the parts that look for peers work with. The pointers are borrowed; control thread. */
#ifndef UDP_ENV_H
#define UDP_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include <cjd/link.h>
#include <cjd/logger.h>

struct cjd_udp_env {
    const struct cjd_host *host;
    const struct cjd_peer_service *peer;
    const struct cjd_resolve_service *resolve;
    const struct cjd_loop_service *loop;
    const struct cjd_time_service *time;
    const struct cjd_random_service *random;
    const struct cjd_logger *log;
    uint32_t link;
    bool has_ip4; /* families the link carries */
    bool has_ip6;
};

static inline uint64_t cjd_udp_now(const struct cjd_udp_env *env)
{
    return env->time->now_ns(env->host);
}

/* Up to a quarter less, so that many nodes do not act in step. */
static inline uint64_t cjd_udp_jitter(const struct cjd_udp_env *env, uint64_t ns)
{
    uint32_t random;

    env->random->fill(env->host, &random, sizeof random);
    return ns - ns / 4 * random / UINT32_MAX;
}

#endif
