#include <fake_host.h>

#include <stdlib.h>
#include <string.h>

#define FRESH 0xa5 /* bytes of a new buffer and a new address */
#define STALE 0xde /* bytes of a freed one */
#define ALIVE 0x616c6976u
#define DEAD  0x64656164u

/* A packet and what the host keeps behind it. */
struct fake_packet {
    struct cjd_pkt pkt;
    uint32_t mark;
    struct cjd_fake_host *owner;
};

static struct cjd_pkt *packet_new(struct cjd_fake_host *fake, uint32_t bytes)
{
    uint32_t cap = CJD_PKT_HEADROOM + bytes <= CJD_PKT_SMALL ? CJD_PKT_SMALL : CJD_PKT_LARGE;

    if (bytes > CJD_PKT_LARGE - CJD_PKT_HEADROOM || fake->packets_out >= fake->packets_limit) {
        return NULL;
    }
    struct fake_packet *p = calloc(1, sizeof *p);
    uint8_t *buf = malloc(cap);
    if (!p || !buf) {
        cjd_fake_misuse("out of memory");
    }
    memset(buf, FRESH, cap);
    p->mark = ALIVE;
    p->owner = fake;
    p->pkt.buf = buf;
    p->pkt.off = CJD_PKT_HEADROOM;
    p->pkt.cap = cap;
    memset(&p->pkt.addr, FRESH, sizeof p->pkt.addr);
    fake->packets_out++;
    fake->allocs++;
    return &p->pkt;
}

void cjd_fake_packet_free(struct cjd_fake_host *fake, struct cjd_pkt *pkt)
{
    struct fake_packet *p = (struct fake_packet *)pkt;

    if (p->mark != ALIVE || p->owner != fake) {
        cjd_fake_misuse("a packet was freed twice, or is not the host's");
    }
    memset(pkt->buf, STALE, pkt->cap);
    free(pkt->buf);
    p->mark = DEAD;
    free(p);
    fake->packets_out--;
}

static uint32_t packet_alloc(const struct cjd_host *host, struct cjd_vec *vec, uint32_t n,
                             uint32_t bytes)
{
    uint32_t done = 0;

    for (; done < n && vec->n < vec->cap; done++) {
        struct cjd_pkt *pkt = packet_new(cjd_fake_of(host), bytes);
        if (!pkt) {
            break;
        }
        (void)cjd_vec_add(vec, pkt);
    }
    return done;
}

static void packet_free(const struct cjd_host *host, struct cjd_vec *vec)
{
    for (uint16_t i = 0; i < vec->n; i++) {
        cjd_fake_packet_free(cjd_fake_of(host), vec->v[i]);
    }
    vec->n = 0;
}

const struct cjd_packet_service cjd_fake_packet_service = {.size = sizeof cjd_fake_packet_service,
                                                           .version = 1,
                                                           .alloc = packet_alloc,
                                                           .free = packet_free};

struct cjd_pkt *cjd_fake_packet(struct cjd_fake_host *fake, const void *bytes, uint32_t len)
{
    struct cjd_pkt *pkt = packet_new(fake, len);

    if (!pkt || !cjd_pkt_put(pkt, len)) {
        cjd_fake_misuse("no packet of %u bytes", len);
    }
    memcpy(cjd_pkt_data(pkt), bytes, len);
    return pkt;
}
