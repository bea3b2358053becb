#include "eth_beacon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define MS 1000000ull
/* After a beacon that answers an unknown node, and before it. */
#define ANSWER_SPACING_NS (1000 * MS)
#define ANSWER_DELAY_NS   (100 * MS)

/* Time to the next beacon after the first, second, … A device that was just plugged in may take a
 * while to pass anything on; and machines that are switched on together come up within seconds. */
static const uint32_t steps_ms[] = {100, 200, 400, 400,  400,  400,  400,  400,
                                    400, 400, 400, 1000, 2000, 4000, 8000, 16000};
#define STEPS (sizeof steps_ms / sizeof steps_ms[0])

/* 0 … limit − 1 */
static uint64_t random_below(struct cjd_eth_beacons *b, uint64_t limit)
{
    uint64_t bits;

    b->env->random->fill(b->env->host, &bits, sizeof bits);
    return bits % limit;
}

/* A tenth to either side: nodes that came up together do not stay in step. */
static uint64_t jittered(struct cjd_eth_beacons *b, uint64_t ns)
{
    return ns - ns / 10 + random_below(b, ns / 5);
}

static void arm(struct cjd_eth_beacons *b, uint64_t delay_ns)
{
    b->env->loop->timer_arm(b->env->host, &b->timer, delay_ns);
}

static void arm_next(struct cjd_eth_beacons *b)
{
    uint64_t ns = b->step < STEPS ? steps_ms[b->step] * MS : CJD_ETH_BEACON_PERIOD_NS;

    b->step += b->step < STEPS;
    arm(b, jittered(b, ns));
}

static int transmit(const struct cjd_eth_beacons *b, const uint8_t *frame, size_t len)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(CJD_ETH_TYPE),
                             .sll_ifindex = (int)b->device,
                             .sll_halen = CJD_ETH_MAC_BYTES};

    memset(to.sll_addr, 0xff, CJD_ETH_MAC_BYTES);
    ssize_t n = sendto(b->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to,
                       sizeof to);
    return n == (ssize_t)len ? 0 : errno;
}

static void send_beacon(struct cjd_eth_beacons *b)
{
    uint8_t frame[CJD_ETH_HEADER_BYTES + CJD_BEACON_BYTES];
    struct cjd_beacon own;

    b->sent_ns = b->env->time->now_ns(b->env->host);
    if (b->env->beacon->own(b->env->host, &own) != 0) {
        b->tx_errors++;
        return;
    }
    cjd_eth_write(frame, CJD_BEACON_BYTES);
    cjd_beacon_write(frame + CJD_ETH_HEADER_BYTES, &own);
    explicit_bzero(&own, sizeof own);
    b->send_err = transmit(b, frame, sizeof frame);
    *(b->send_err == 0 ? &b->tx_beacons : &b->tx_errors) += 1;
}

static void on_timer(void *arg)
{
    struct cjd_eth_beacons *b = arg;

    send_beacon(b);
    arm_next(b);
}

void cjd_eth_beacons_init(struct cjd_eth_beacons *b, const struct cjd_eth_beacon_env *env)
{
    memset(b, 0, sizeof *b);
    b->env = env;
    atomic_init(&b->is_posted, false);
    env->loop->timer_init(env->host, &b->timer, on_timer, b);
}

void cjd_eth_beacons_begin(struct cjd_eth_beacons *b, enum cjd_eth_beacon_mode mode)
{
    b->mode = mode;
    b->is_running = true;
    b->env->loop->timer_cancel(b->env->host, &b->timer);
    if (mode == CJD_ETH_BEACON_SEND) {
        b->step = 0;
        on_timer(b);
    }
}

void cjd_eth_beacons_end(struct cjd_eth_beacons *b)
{
    b->is_running = false;
    b->env->loop->timer_cancel(b->env->host, &b->timer);
    memset(b->known, 0, sizeof b->known);
}

/* --- receiving ----------------------------------------------------------------------------------
 */

/* Whether it was not heard for long; remembers it. A forgotten one costs a beacon, no more. */
static bool is_news(struct cjd_eth_beacons *b, const uint8_t mac[CJD_ETH_MAC_BYTES])
{
    uint32_t slot = (mac[3] * 31u + mac[4] * 7u + mac[5]) % CJD_ETH_KNOWN_MAX;
    bool is_known = memcmp(b->known[slot], mac, CJD_ETH_MAC_BYTES) == 0;

    memcpy(b->known[slot], mac, CJD_ETH_MAC_BYTES);
    return !is_known;
}

/* So that it need not wait for our next beacon. */
static void answer(struct cjd_eth_beacons *b)
{
    uint64_t since = b->env->time->now_ns(b->env->host) - b->sent_ns;

    if (b->mode == CJD_ETH_BEACON_SEND && since >= ANSWER_SPACING_NS) {
        arm(b, random_below(b, ANSWER_DELAY_NS));
    }
}

/* [control] */
static void hand_on(void *arg)
{
    struct cjd_eth_beacons *b = arg;

    for (uint32_t i = 0; i < b->heard_count && b->is_running; i++) {
        const struct cjd_eth_heard *h = &b->heard[i];
        int err = b->env->beacon->heard(b->env->host, b->link, &h->addr, &h->beacon);
        if (err == 0 && is_news(b, h->addr.b)) {
            answer(b);
        }
    }
    explicit_bzero(b->heard, b->heard_count * sizeof b->heard[0]);
    b->heard_count = 0;
    atomic_store_explicit(&b->is_posted, false, memory_order_release);
}

void cjd_eth_beacons_note(struct cjd_eth_beacons *b, const struct cjd_linkaddr *from,
                          const uint8_t *body, size_t len)
{
    b->rx_beacons++;
    if (b->mode == CJD_ETH_BEACON_OFF) {
        b->rx_off++;
        return;
    }
    if (atomic_load_explicit(&b->is_posted, memory_order_acquire) ||
        b->heard_count >= CJD_ETH_HEARD_MAX) {
        b->rx_flood++;
        return;
    }
    struct cjd_eth_heard *h = &b->heard[b->heard_count];
    if (cjd_beacon_parse(&h->beacon, body, len) == 0) {
        h->addr = *from;
        b->heard_count++;
    }
}

void cjd_eth_beacons_pass(struct cjd_eth_beacons *b)
{
    if (b->heard_count == 0 || atomic_load_explicit(&b->is_posted, memory_order_acquire)) {
        return;
    }
    atomic_store_explicit(&b->is_posted, true, memory_order_release);
    if (b->env->loop->post(b->env->host, 0, hand_on, b) != 0) {
        b->heard_count = 0;
        atomic_store_explicit(&b->is_posted, false, memory_order_release);
    }
}
