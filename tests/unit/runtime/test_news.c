/* News of the machine: what rtnetlink says and what of it counts, sleep, and keeping calm. */
#include <testlib/testlib.h>

#include <arpa/inet.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <base/calm.h>
#include <runtime/awake.h>
#include <runtime/netnews.h>

/* --- messages as the kernel writes them ------------------------------------------------------- */

struct message {
    _Alignas(8) uint8_t bytes[512];
    size_t len;
};

static void append(struct message *m, const void *bytes, size_t n)
{
    assert_true(m->len + n + 4 <= sizeof m->bytes);
    memcpy(m->bytes + m->len, bytes, n);
    m->len = NLMSG_ALIGN(m->len + n);
}

/* After the message is complete. */
static void set_length(struct message *m, size_t at)
{
    uint32_t len = (uint32_t)(m->len - at);
    memcpy(m->bytes + at, &len, sizeof len);
}

static void begin(struct message *m, uint16_t type, const void *body, size_t n)
{
    struct nlmsghdr h = {.nlmsg_type = type};

    append(m, &h, sizeof h);
    append(m, body, n);
}

static void attribute(struct message *m, uint16_t type, const void *value, size_t n)
{
    struct rtattr a = {.rta_len = (uint16_t)(sizeof a + n), .rta_type = type};
    uint8_t both[sizeof a + 32];

    memcpy(both, &a, sizeof a);
    memcpy(both + sizeof a, value, n);
    append(m, both, sizeof a + n);
}

static struct message address(uint16_t type, const char *text, uint8_t flags)
{
    struct message m = {.len = 0};
    struct ifaddrmsg body = {
        .ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_flags = flags, .ifa_index = 3};
    struct ifa_cacheinfo cache = {.ifa_valid = (uint32_t)rand()};
    uint8_t ip[16];

    assert_int_equal(inet_pton(AF_INET6, text, ip), 1);
    begin(&m, type, &body, sizeof body);
    attribute(&m, IFA_ADDRESS, ip, sizeof ip);
    attribute(&m, IFA_CACHEINFO, &cache, sizeof cache);
    set_length(&m, 0);
    return m;
}

static struct message route(uint16_t type, const struct rtmsg *body, uint32_t device)
{
    struct message m = {.len = 0};
    uint8_t dst[4] = {10, 1, 2, 0};

    begin(&m, type, body, sizeof *body);
    if (body->rtm_dst_len > 0) {
        attribute(&m, RTA_DST, dst, sizeof dst);
    }
    attribute(&m, RTA_OIF, &device, sizeof device);
    set_length(&m, 0);
    return m;
}

static struct message device(uint16_t type, int index, uint32_t flags)
{
    struct message m = {.len = 0};
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = flags};

    begin(&m, type, &body, sizeof body);
    set_length(&m, 0);
    return m;
}

static bool feed(struct cjd_netnews *w, struct message m)
{
    return cjd_netnews_feed(w, m.bytes, m.len);
}

/* --- what counts ------------------------------------------------------------------------------ */

static void addresses(void **state)
{
    (void)state;
    struct cjd_netnews w = {0};

    assert_true(feed(&w, address(RTM_NEWADDR, "fd00::1", IFA_F_TENTATIVE)));
    assert_true(feed(&w, address(RTM_NEWADDR, "fd00::1", 0))); /* now it can be used */
    /* Renewed by each router advertisement. */
    assert_false(feed(&w, address(RTM_NEWADDR, "fd00::1", 0)));
    assert_false(feed(&w, address(RTM_NEWADDR, "fd00::1", 0)));
    assert_true(feed(&w, address(RTM_NEWADDR, "fd00::2", 0)));
    assert_true(feed(&w, address(RTM_DELADDR, "fd00::1", 0)));
    assert_true(feed(&w, address(RTM_NEWADDR, "fd00::1", IFA_F_TENTATIVE)));
    assert_true(feed(&w, address(RTM_NEWADDR, "fd00::1", 0)));
    assert_false(feed(&w, address(RTM_NEWADDR, "fd00::2", 0)));
}

static void routes(void **state)
{
    (void)state;
    struct cjd_netnews w = {0};
    struct rtmsg plain = {.rtm_family = AF_INET,
                          .rtm_dst_len = 24,
                          .rtm_table = RT_TABLE_MAIN,
                          .rtm_protocol = RTPROT_KERNEL,
                          .rtm_type = RTN_UNICAST};
    struct rtmsg bgp = plain;
    struct rtmsg local = plain;
    struct rtmsg cloned = plain;
    struct rtmsg bgp_default = plain;
    bgp.rtm_protocol = bgp_default.rtm_protocol = RTPROT_BGP;
    bgp_default.rtm_dst_len = 0;
    local.rtm_table = RT_TABLE_LOCAL;
    cloned.rtm_flags = RTM_F_CLONED;

    assert_true(feed(&w, route(RTM_NEWROUTE, &plain, 3)));
    assert_false(feed(&w, route(RTM_NEWROUTE, &plain, 3)));
    assert_true(feed(&w, route(RTM_NEWROUTE, &plain, 4)));
    assert_true(feed(&w, route(RTM_DELROUTE, &plain, 3)));
    assert_true(feed(&w, route(RTM_NEWROUTE, &plain, 3)));
    assert_false(feed(&w, route(RTM_NEWROUTE, &local, 3)));
    assert_false(feed(&w, route(RTM_NEWROUTE, &cloned, 3)));
    assert_false(feed(&w, route(RTM_NEWROUTE, &bgp, 3)));
    assert_false(feed(&w, route(RTM_DELROUTE, &bgp, 3)));
    assert_true(feed(&w, route(RTM_NEWROUTE, &bgp_default, 3)));
}

static void devices(void **state)
{
    (void)state;
    struct cjd_netnews w = {0};

    assert_false(feed(&w, device(RTM_NEWLINK, 5, 0))); /* of no use yet */
    assert_true(feed(&w, device(RTM_NEWLINK, 5, IFF_UP)));
    assert_true(feed(&w, device(RTM_NEWLINK, 5, IFF_UP | IFF_RUNNING | IFF_LOWER_UP)));
    assert_false(feed(&w, device(RTM_NEWLINK, 5, IFF_UP | IFF_RUNNING | IFF_LOWER_UP)));
    assert_false(
        feed(&w, device(RTM_NEWLINK, 5, IFF_UP | IFF_RUNNING | IFF_LOWER_UP | IFF_PROMISC)));
    assert_true(feed(&w, device(RTM_NEWLINK, 5, IFF_UP)));
    assert_true(feed(&w, device(RTM_DELLINK, 5, IFF_UP)));
    assert_false(feed(&w, device(RTM_DELLINK, 6, 0)));
    /* More devices than it knows. */
    for (int i = 10; i < 500; i++) {
        assert_true(feed(&w, device(RTM_NEWLINK, i, IFF_UP)));
    }
    assert_false(feed(&w, device(RTM_NEWLINK, 499, IFF_UP)));
}

/* One datagram may hold several messages. */
static void several(void **state)
{
    (void)state;
    struct cjd_netnews w = {0};
    struct message one = device(RTM_NEWLINK, 5, 0);
    struct message two = address(RTM_NEWADDR, "fd00::1", 0);

    memcpy(one.bytes + one.len, two.bytes, two.len);
    one.len += two.len;
    assert_true(feed(&w, one));
    assert_false(feed(&w, one));
}

/* Cut anywhere, with lengths that lie: never read beyond the end. */
static void malformed(void **state)
{
    (void)state;
    struct cjd_netnews w = {0};
    struct rtmsg body = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN};
    struct message whole[] = {address(RTM_NEWADDR, "fd00::1", 0), route(RTM_NEWROUTE, &body, 1),
                              device(RTM_NEWLINK, 5, IFF_UP)};
    struct test_rng rng_state;
    struct cjd_rng rng = test_rng_init(&rng_state, 1);

    for (unsigned i = 0; i < 3; i++) {
        for (size_t cut = 0; cut < whole[i].len; cut++) {
            uint8_t *exact = malloc(cut ? cut : 1);
            assert_non_null(exact);
            memcpy(exact, whole[i].bytes, cut);
            assert_false(cjd_netnews_feed(&w, exact, cut)); /* its length is longer than it */
            free(exact);
        }
        for (unsigned round = 0; round < 5000; round++) {
            struct message m = whole[i];
            m.bytes[cjd_rng_below(&rng, (uint32_t)m.len)] = (uint8_t)cjd_rng_u32(&rng);
            (void)feed(&w, m);
        }
    }
}

/* A real socket: it opens without a privilege, and there is nothing to read. */
static void opens(void **state)
{
    (void)state;
    struct cjd_netnews w = {0};
    int fd = cjd_netnews_open();

    assert_true(fd >= 0);
    (void)cjd_netnews_read(&w, fd);
    close(fd);
}

/* --- sleep ------------------------------------------------------------------------------------ */

static void sleep_is_seen(void **state)
{
    (void)state;
    struct cjd_awake a = {0};
    uint64_t now = 100 * CJD_S;
    uint64_t boot = 5000 * CJD_S; /* it slept before this process began */

    assert_false(cjd_awake_look(&a, now, boot, CJD_NEVER));
    assert_false(cjd_awake_look(&a, now + CJD_S, boot + CJD_S, CJD_NEVER));
    assert_false(cjd_awake_look(&a, now + 2 * CJD_S, boot + 2 * CJD_S, now + CJD_S));
    /* The clocks are not read at one instant. */
    assert_false(cjd_awake_look(&a, now + 2 * CJD_S, boot + 2 * CJD_S + CJD_MS, 0));
    /* Suspended for ten minutes: the clock of the timers did not move. */
    assert_true(cjd_awake_look(&a, now + 2 * CJD_S, boot + 602 * CJD_S, CJD_NEVER));
    assert_false(cjd_awake_look(&a, now + 3 * CJD_S, boot + 603 * CJD_S, CJD_NEVER));
    /* Stopped: both clocks moved, and a timer is late. */
    assert_true(cjd_awake_look(&a, now + 300 * CJD_S, boot + 900 * CJD_S, now + 4 * CJD_S));
    /* Nothing was due. */
    assert_false(cjd_awake_look(&a, now + 900 * CJD_S, boot + 1500 * CJD_S, CJD_NEVER));
    /* No such clock. */
    assert_false(cjd_awake_look(&a, now + 901 * CJD_S, 0, CJD_NEVER));
}

/* --- calm ------------------------------------------------------------------------------------- */

static void calm_alone(void **state)
{
    (void)state;
    struct cjd_calm c = {0};

    assert_int_equal(cjd_calm_at(&c, 50 * CJD_S), 50 * CJD_S + 100 * CJD_MS);
    cjd_calm_acted(&c, 50 * CJD_S + 100 * CJD_MS);
    /* Much later: as at first. */
    assert_int_equal(cjd_calm_at(&c, 70 * CJD_S), 70 * CJD_S + 100 * CJD_MS);
}

/* An event each millisecond for a minute: few acts, never farther apart than 1.6 s, one at the
 * end. */
static void calm_in_a_row(void **state)
{
    (void)state;
    struct cjd_calm c = {0};
    uint64_t due = CJD_NEVER;
    uint64_t last = 0;
    unsigned acts = 0;

    for (uint64_t t = CJD_S; t < 61 * CJD_S; t += CJD_MS) {
        if (due <= t) {
            assert_true(last == 0 || t - last <= 1701 * CJD_MS);
            cjd_calm_acted(&c, t);
            last = t;
            due = CJD_NEVER;
            acts++;
        }
        due = due == CJD_NEVER ? cjd_calm_at(&c, t) : due;
    }
    assert_in_range(acts, 36, 45);
    assert_true(due - 61 * CJD_S <= 1600 * CJD_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),     cmocka_unit_test(routes),
        cmocka_unit_test(devices),       cmocka_unit_test(several),
        cmocka_unit_test(malformed),     cmocka_unit_test(opens),
        cmocka_unit_test(calm_alone),    cmocka_unit_test(calm_in_a_row),
        cmocka_unit_test(sleep_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
