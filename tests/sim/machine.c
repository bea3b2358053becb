/*
 * The machine behind each node: answers ICMPv6 echo requests (RFC 4443 §4.2) and hears the answers
 * to its own. A request says in its payload who asked; what its way cost is written into the
 * answer.
 */
#include <sim/private.h>

#include <base/wire.h>
#include <string.h>

#define IP6_BYTES    40u
#define ECHO_BYTES   (IP6_BYTES + 8u + 24u)
#define ICMP6        58u
#define ECHO_REQUEST 128u
#define ECHO_REPLY   129u

/* Offsets in an echo of ours. */
enum { AT_TYPE = 40, AT_ID = 48, AT_SEQUENCE = 52, AT_DELAY = 56, AT_HOPS = 64 };

static void answer(struct host *h, struct cjd_pkt *pkt)
{
    uint8_t *p = cjd_pkt_data(pkt);
    uint8_t peer[16];

    memcpy(peer, p + 8, sizeof peer);
    memcpy(p + 8, p + 24, sizeof peer);
    memcpy(p + 24, peer, sizeof peer);
    p[AT_TYPE] = ECHO_REPLY;
    cjd_store64(p + AT_DELAY, pkt->rx_ns);
    cjd_store32(p + AT_HOPS, pkt->pad);
    sim_inject(h->sim, h->number, pkt);
}

static void hear(struct host *h, const uint8_t *p)
{
    struct sim_echo echo = {.node = h->number,
                            .id = cjd_load32(p + AT_ID),
                            .sequence = cjd_load32(p + AT_SEQUENCE),
                            .delay_ns = cjd_load64(p + AT_DELAY),
                            .hops = cjd_load32(p + AT_HOPS)};

    if (h->sim->echo) {
        h->sim->echo(h->sim->echo_ctx, &echo);
    }
}

static void take(struct host *h, struct cjd_pkt *pkt)
{
    const uint8_t *p = cjd_pkt_data(pkt);
    bool is_echo = pkt->len == ECHO_BYTES && p[6] == ICMP6;

    if (is_echo && p[AT_TYPE] == ECHO_REQUEST) {
        answer(h, pkt);
        return;
    }
    if (is_echo && p[AT_TYPE] == ECHO_REPLY) {
        hear(h, p);
    }
    cjd_pool_give(h->sim->pool, pkt);
}

void machine_deliver(void *ctx, struct cjd_vec *vec)
{
    struct host *h = ctx;
    bool was_counting = hooks_pause();

    if (h->machine) {
        h->machine(h->machine_ctx, h->number, vec);
    }
    for (unsigned i = 0; i < vec->n; i++) {
        take(h, vec->v[i]);
    }
    vec->n = 0;
    hooks_resume(was_counting);
}

void sim_set_machine(struct sim *sim, uint32_t node, sim_machine_fn fn, void *ctx)
{
    host_at(sim, node)->machine = fn;
    host_at(sim, node)->machine_ctx = ctx;
}

void sim_inject(struct sim *sim, uint32_t node, struct cjd_pkt *pkt)
{
    struct sim_event e = {.at_ns = sim->now_ns,
                          .what = pkt,
                          .number = host_at(sim, node)->number,
                          .kind = EVENT_INJECT};

    pkt->hash = TAG_KNOWN | SIM_KIND_USER;
    pkt->pad = 0;
    pkt->rx_ns = 0;
    sim_events_push(&sim->events, &e);
}

void sim_set_echo(struct sim *sim, sim_echo_fn fn, void *ctx)
{
    sim->echo = fn;
    sim->echo_ctx = ctx;
}

void sim_ping(struct sim *sim, uint32_t from, uint32_t to, uint32_t id, uint32_t sequence)
{
    struct cjd_pkt *pkt = cjd_pool_take(sim->pool, ECHO_BYTES);

    if (!pkt) {
        sim_fatal("out of packets");
    }
    cjd_pkt_put(pkt, ECHO_BYTES);
    uint8_t *p = cjd_pkt_data(pkt);
    memset(p, 0, ECHO_BYTES);
    p[0] = 0x60;
    cjd_store16(p + 4, ECHO_BYTES - IP6_BYTES);
    p[6] = ICMP6;
    p[7] = 64;
    memcpy(p + 8, host_at(sim, from)->keys.addr.b, 16);
    memcpy(p + 24, host_at(sim, to)->keys.addr.b, 16);
    p[AT_TYPE] = ECHO_REQUEST;
    cjd_store32(p + AT_ID, id);
    cjd_store32(p + AT_SEQUENCE, sequence);
    sim_inject(sim, from, pkt);
}
