/*
 * Endpoints of UDP links as written in configurations: reading anything, and reading back what is
 * written. The unit is included: plugins are no rooms that could be linked.
 */
#include <cjd/err.h>
#include <stdlib.h>

#include "../../plugins/udp/udp_addr.c"

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

/* A numeric endpoint survives its text form. */
static void check_text(const struct cjd_udp_target *target)
{
    struct cjd_udp_target again;
    struct cjd_linkaddr addr;
    struct cjd_linkaddr copy;
    char text[CJD_UDP_TEXT_SIZE];
    const char *why = "";
    uint32_t scope;

    cjd_udp_addr_make(&addr, target->family, target->ip, target->port, 7);
    require(cjd_udp_addr_is_valid(&addr, target->family));
    copy = addr;
    require(cjd_udp_addr_canon(&copy, addr.len, target->family) == (target->port != 0));
    require(memcmp(&copy, &addr, sizeof addr) == 0);
    require(cjd_udp_addr_text(&addr, text, sizeof text) > 0);
    require(cjd_udp_target_parse(&again, text, &why) == 0);
    require(again.family == target->family && again.port == target->port);
    require(cjd_udp_zone_index(again.zone, &scope) == 0);
    cjd_udp_addr_make(&copy, again.family, again.ip, again.port, scope);
    require(cjd_udp_addr_equal(&copy, &addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cjd_udp_target target;
    char text[512];
    const char *why = NULL;

    if (len >= sizeof text) {
        return 0;
    }
    memcpy(text, data, len);
    text[len] = '\0';
    if (cjd_udp_target_parse(&target, text, &why) != 0) {
        require(why != NULL);
        return 0;
    }
    require(strlen(target.host) < sizeof target.host && strlen(target.zone) < sizeof target.zone);
    require((target.family == AF_UNSPEC) == (target.host[0] != '\0'));
    if (target.family != AF_UNSPEC) {
        /* No address is of both families. */
        require(cjd_udp_target_check_peer(&target, AF_INET, &why) != 0 ||
                cjd_udp_target_check_peer(&target, AF_INET6, &why) != 0);
    }
    require(cjd_udp_target_check_bind(&target, &why) == 0 || why != NULL);
    if (target.family != AF_UNSPEC) {
        check_text(&target);
    }
    return 0;
}
