#include "udp_place.h"

#include <string.h>

static bool is_name(const struct cjd_udp_place *place)
{
    return place->target->family == AF_UNSPEC;
}

/* A name, or a device that may come and go. */
static bool is_movable(const struct cjd_udp_place *place)
{
    return is_name(place) || place->target->zone[0] != '\0';
}

/* --- timer --------------------------------------------------------------------------------------
 */

static void arm(struct cjd_udp_place *place, uint64_t delay_ns)
{
    place->is_armed = true;
    place->env->loop->timer_arm(place->env->host, &place->timer, delay_ns);
}

static void disarm(struct cjd_udp_place *place)
{
    place->is_armed = false;
    place->env->loop->timer_cancel(place->env->host, &place->timer);
}

static void on_timer(void *arg)
{
    struct cjd_udp_place *place = arg;

    place->is_armed = false;
    cjd_udp_place_look(place);
}

/* --- what is found ------------------------------------------------------------------------------
 */

static void fail(struct cjd_udp_place *place, int32_t reason, const char *why)
{
    cjd_logger_write(place->env->log, place->failures++ == 0 ? CJD_LEVEL_WARN : CJD_LEVEL_DEBUG,
                     "no address for peer %s: %s", place->text, why);
    place->reason = reason;
    arm(place, cjd_udp_jitter(place->env, place->retry_ns));
    place->retry_ns =
        2 * place->retry_ns < CJD_UDP_RETRY_MAX_NS ? 2 * place->retry_ns : CJD_UDP_RETRY_MAX_NS;
    place->changed(place->arg);
}

static void succeed(struct cjd_udp_place *place)
{
    place->failures = 0;
    place->retry_ns = CJD_UDP_RETRY_MIN_NS;
    place->changed(place->arg);
}

static bool has(const struct cjd_udp_found *found, const struct cjd_linkaddr *addr)
{
    for (uint32_t i = 0; i < found->count; i++) {
        if (cjd_udp_addr_equal(&found->v[i], addr)) {
            return true;
        }
    }
    return false;
}

/* Whether something can be sent there. Name servers that block a name answer with the all-zero
 * address; and a link does not lead over the network it is part of. */
static bool is_good(int family, const uint8_t *ip)
{
    return cjd_udp_ip_is_usable(family, ip) && !cjd_udp_ip_is_any(family, ip) &&
           (family == AF_INET || ip[0] != 0xfc);
}

static void collect_family(const struct cjd_udp_place *place, struct cjd_udp_found *out,
                           const struct cjd_resolve_answer *answer, int family)
{
    uint32_t count = answer->count < CJD_RESOLVE_MAX ? answer->count : CJD_RESOLVE_MAX;
    struct cjd_linkaddr addr;

    for (uint32_t i = 0; i < count; i++) {
        if (answer->addr[i].family != (family == AF_INET ? 4 : 6) ||
            !is_good(family, answer->addr[i].b)) {
            continue;
        }
        cjd_udp_addr_make(&addr, family, answer->addr[i].b, place->target->port, 0);
        if (!has(out, &addr)) {
            out->v[out->count++] = addr;
        }
    }
}

/* By turns of either family, so that one that does not work costs one try; the first n6 are IPv6
 * addresses (RFC 8305 §4). */
static void interleave(struct cjd_udp_found *found, uint32_t n6)
{
    struct cjd_udp_found sorted = *found;
    uint32_t a = 0;
    uint32_t b = n6;

    for (uint32_t i = 0; i < found->count; i++) {
        bool takes_ip6 = a < n6 && (i % 2 == 0 || b >= found->count);
        sorted.v[i] = found->v[takes_ip6 ? a++ : b++];
    }
    *found = sorted;
}

/* False: nothing in it; then what was found before stays. */
static bool collect(struct cjd_udp_place *place, const struct cjd_resolve_answer *answer)
{
    struct cjd_udp_found found = {.count = 0};

    if (place->env->has_ip6) {
        collect_family(place, &found, answer, AF_INET6);
    }
    uint32_t n6 = found.count;
    if (place->env->has_ip4) {
        collect_family(place, &found, answer, AF_INET);
    }
    interleave(&found, n6);
    if (found.count > 0) {
        place->found = found;
    }
    return found.count > 0;
}

/* --- asking -------------------------------------------------------------------------------------
 */

static void on_answer(void *arg, const struct cjd_resolve_answer *answer)
{
    struct cjd_udp_place *place = arg;

    place->request = NULL;
    if (answer->err != 0) {
        bool has_text = answer->reason && answer->reason[0] != '\0';
        fail(place, CJD_PEER_REASON_NAME, has_text ? answer->reason : cjd_err_text(answer->err));
    } else if (collect(place, answer)) {
        succeed(place);
    } else if (place->env->has_ip4 && place->env->has_ip6) {
        fail(place, CJD_PEER_REASON_NAME, "its name has no usable address");
    } else {
        fail(place, CJD_PEER_REASON_FAMILY,
             place->env->has_ip4 ? "its name has no usable IPv4 address"
                                 : "its name has no usable IPv6 address");
    }
}

static void find_device(struct cjd_udp_place *place)
{
    const struct cjd_udp_target *target = place->target;
    uint32_t scope;

    if (cjd_udp_zone_index(target->zone, &scope) != 0) {
        fail(place, CJD_PEER_REASON_NO_ADDRESS, "there is no such network device");
        return;
    }
    cjd_udp_addr_make(&place->found.v[0], target->family, target->ip, target->port, scope);
    place->found.count = 1;
    succeed(place);
}

void cjd_udp_place_look(struct cjd_udp_place *place)
{
    const struct cjd_udp_env *env = place->env;

    if (!is_movable(place) || place->request) {
        return;
    }
    disarm(place);
    place->asked_ns = cjd_udp_now(env);
    if (!is_name(place)) {
        find_device(place);
        return;
    }
    int err =
        env->resolve->ask(env->host, &place->request, place->target->host, 0, on_answer, place);
    if (err != 0) {
        place->request = NULL;
        fail(place, CJD_PEER_REASON_NAME, cjd_err_text(err));
    }
}

void cjd_udp_place_refresh(struct cjd_udp_place *place)
{
    uint64_t age_ns = cjd_udp_now(place->env) - place->asked_ns;
    uint64_t wait_ns = place->refresh_ns;

    if (!is_movable(place) || place->request || place->is_armed) {
        return;
    }
    if (wait_ns < CJD_UDP_REFRESH_MIN_NS) {
        place->refresh_ns = CJD_UDP_REFRESH_MIN_NS;
    } else {
        wait_ns = cjd_udp_jitter(place->env, wait_ns);
        place->refresh_ns = 2 * place->refresh_ns < CJD_UDP_REFRESH_MAX_NS ? 2 * place->refresh_ns
                                                                           : CJD_UDP_REFRESH_MAX_NS;
    }
    if (age_ns >= wait_ns) {
        cjd_udp_place_look(place);
    } else {
        arm(place, wait_ns - age_ns);
    }
}

void cjd_udp_place_settle(struct cjd_udp_place *place)
{
    cjd_udp_place_fini(place);
    place->retry_ns = CJD_UDP_RETRY_MIN_NS;
    place->refresh_ns = CJD_UDP_REFRESH_ONE_NS;
}

void cjd_udp_place_news(struct cjd_udp_place *place)
{
    if (place->is_armed && place->failures > 0) {
        place->retry_ns = CJD_UDP_RETRY_MIN_NS;
        cjd_udp_place_look(place);
    }
}

/* --- begin, end ---------------------------------------------------------------------------------
 */

void cjd_udp_place_init(struct cjd_udp_place *place, const struct cjd_udp_env *env,
                        const struct cjd_udp_target *target, const char *text,
                        cjd_udp_place_fn changed, void *arg)
{
    *place = (struct cjd_udp_place){.env = env,
                                    .target = target,
                                    .text = text,
                                    .changed = changed,
                                    .arg = arg,
                                    .reason = CJD_PEER_REASON_NO_ADDRESS,
                                    .retry_ns = CJD_UDP_RETRY_MIN_NS,
                                    .refresh_ns = CJD_UDP_REFRESH_MIN_NS};
    env->loop->timer_init(env->host, &place->timer, on_timer, place);
    if (!is_movable(place)) {
        cjd_udp_addr_make_peer(&place->found.v[0], target->family, target->ip, target->port, 0);
        place->found.count = 1;
    }
}

void cjd_udp_place_fini(struct cjd_udp_place *place)
{
    disarm(place);
    if (place->request) {
        place->env->resolve->cancel(place->env->host, place->request);
        place->request = NULL;
    }
}
