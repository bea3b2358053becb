#include "box.h"

#include <base/wire.h>
#include <cjd/version.h>

static const struct cjd_linkaddr far_addr = {.b = {7}, .len = 6};

/* --- what the node calls ---------------------------------------------------------------------- */

static void take(struct box *box, struct cjd_pkt *pkt)
{
    if (cjd_ca_open(&box->far, pkt, box->now_ns) != CJD_CA_OK || pkt->len == 0) {
        return;
    }
    struct box_bytes *f = &box->frame[box->frames++];
    assert_true(box->frames < BOX_FRAMES && pkt->len <= sizeof f->bytes);
    f->len = pkt->len;
    memcpy(f->bytes, cjd_pkt_data(pkt), pkt->len);
}

static void link_tx(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    struct box *box = ctx;

    (void)flags;
    assert_int_equal(link + queue, 0);
    for (unsigned i = 0; i < vec->n; i++) {
        take(box, vec->v[i]);
    }
    cjd_pool_give_vec(box->pool, vec);
}

static void deliver(void *ctx, struct cjd_vec *vec)
{
    struct box *box = ctx;

    for (unsigned i = 0; i < vec->n; i++) {
        struct box_bytes *p = &box->packet[box->packets++];
        assert_true(box->packets < BOX_IP6 && vec->v[i]->len <= sizeof p->bytes);
        p->len = vec->v[i]->len;
        memcpy(p->bytes, cjd_pkt_data(vec->v[i]), p->len);
    }
    cjd_pool_give_vec(box->pool, vec);
}

/* --- life ------------------------------------------------------------------------------------- */

static void far_init(struct box *box)
{
    struct cjd_credentials c;

    cjd_keypair_generate(&box->far_keys, &box->rng[1]);
    box->far_users = cjd_users_new();
    assert_non_null(box->far_users);
    box->far_node =
        (struct cjd_ca_node){.self = &box->far_keys, .users = box->far_users, .rng = box->rng[1]};
    cjd_ca_init(&box->far, &box->far_node, &box->keys.key, false, box->now_ns);
    cjd_credentials_init(&c, "tester", BOX_PASSWORD, strlen(BOX_PASSWORD));
    cjd_ca_set_credentials(&box->far, &c);
    cjd_credentials_fini(&c);
}

void box_init(struct box *box, uint32_t link_mtu)
{
    memset(box, 0, sizeof *box);
    assert_int_equal(cjd_crypto_init(), 0);
    box->now_ns = 1000 * CJD_S;
    box->rng[0] = test_rng_init(&box->rng_state[0], 1);
    box->rng[1] = test_rng_init(&box->rng_state[1], 2);
    cjd_keypair_generate(&box->keys, &box->rng[0]);
    box->pool = cjd_pool_new(1024, 4);
    box->frame = calloc(BOX_FRAMES, sizeof *box->frame);
    box->packet = calloc(BOX_IP6, sizeof *box->packet);
    assert_true(box->pool && box->frame && box->packet);
    struct cjd_node_config config = {
        .self = box->keys,
        .rng = box->rng[0],
        .pool = box->pool,
        .ops = {.link_tx = link_tx, .deliver = deliver, .ctx = box},
    };
    assert_int_equal(cjd_node_new(&box->node, &config, box->now_ns), 0);
    assert_int_equal(cjd_users_add(cjd_node_users(box->node), "tester", BOX_PASSWORD,
                                   strlen(BOX_PASSWORD), NULL),
                     0);
    assert_int_equal(cjd_node_link_add(box->node, "wire", link_mtu, 1), 0);
    far_init(box);
}

void box_fini(struct box *box)
{
    cjd_node_free(box->node);
    assert_int_equal(cjd_pool_in_use(box->pool), 0);
    cjd_pool_free(box->pool);
    cjd_ca_fini(&box->far);
    cjd_users_free(box->far_users);
    free(box->frame);
    free(box->packet);
}

void box_forget(struct box *box)
{
    box->frames = 0;
    box->packets = 0;
}

void box_run(struct box *box, uint64_t duration_ns)
{
    uint64_t until = box->now_ns + duration_ns;

    while (cjd_node_next(box->node) <= until) {
        uint64_t next = cjd_node_next(box->node);
        box->now_ns = next > box->now_ns ? next : box->now_ns;
        cjd_node_run(box->node, box->now_ns);
        cjd_node_flush(box->node);
    }
    box->now_ns = until;
}

void box_establish(struct box *box)
{
    uint8_t frame[BOX_BYTES];
    uint8_t body[16] = {0x09, 0xf9, 0x11, 0x02, 0, 0, 0, CJD_PROTOCOL, 1, 2, 3, 4, 5, 6, 7, 8};
    uint32_t len = box_control(frame, 0x8000000000000001u, false, CJD_CTRL_PING, body, 16);
    struct cjd_peer_info info;

    for (unsigned i = 0; i < 3; i++) {
        box_send(box, frame, len);
        const struct box_bytes *ping = box_find(box, CJD_CTRL_PING);
        if (ping) {
            uint8_t pong[16];
            memcpy(pong, ping->bytes + 20, 16);
            cjd_store32(pong, 0x9d74e35bu);
            box_forget(box);
            uint8_t answer[BOX_BYTES];
            box_send(box, answer,
                     box_control(answer, 0x8000000000000001u, false, CJD_CTRL_PONG, pong, 16));
        }
        box_run(box, 30 * CJD_MS);
    }
    assert_true(cjd_links_peer_at(cjd_node_links(box->node), 0, &info));
    assert_int_equal(info.state, CJD_CA_ESTABLISHED);
    assert_int_equal(info.version, CJD_PROTOCOL);
    assert_int_equal(info.label, 0x13);
    box_forget(box);
}

/* --- frames ----------------------------------------------------------------------------------- */

static struct cjd_pkt *sealed(struct box *box, const uint8_t *frame, uint32_t len)
{
    struct cjd_pkt *pkt = cjd_pool_take(box->pool, len);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, len);
    memcpy(cjd_pkt_data(pkt), frame, len);
    assert_int_equal(cjd_ca_seal(&box->far, pkt, box->now_ns), 0);
    return pkt;
}

static void receive(struct box *box, struct cjd_pkt *pkt)
{
    CJD_VEC_LOCAL(vec, 1);

    pkt->addr = far_addr;
    cjd_vec_add(&vec, pkt);
    cjd_node_rx(box->node, 0, 0, &vec, box->now_ns);
    assert_int_equal(vec.n, 0);
    cjd_node_flush(box->node);
}

void box_send(struct box *box, const uint8_t *frame, uint32_t len)
{
    receive(box, sealed(box, frame, len));
}

void box_send_view(struct box *box, const uint8_t *frame, uint32_t len)
{
    struct cjd_pkt *pkt = sealed(box, frame, len);
    struct cjd_pkt *view = cjd_pool_view(box->pool, pkt, pkt->off, pkt->len);

    assert_non_null(view);
    cjd_pool_give(box->pool, pkt);
    receive(box, view);
}

uint32_t box_control(uint8_t out[BOX_BYTES], uint64_t label, bool suppress_errors, uint16_t type,
                     const uint8_t *body, uint32_t len)
{
    struct cjd_switch_header h = {.label = label,
                                  .suppress_errors = suppress_errors,
                                  .version = 1,
                                  .shift = 4,
                                  .traffic_class = 0xffff};

    assert_true(len <= BOX_BYTES - 20);
    cjd_switch_header_write(out, &h);
    cjd_store32(out + 12, CJD_CTRL_HANDLE);
    cjd_store16(out + 16, 0);
    cjd_store16(out + 18, type);
    memcpy(out + 20, body, len);
    cjd_store16(out + 16, cjd_ctrl_checksum(out + 16, 4 + len));
    return 20 + len;
}

const struct box_bytes *box_find(const struct box *box, uint16_t type)
{
    for (unsigned i = 0; i < box->frames; i++) {
        const struct box_bytes *f = &box->frame[i];
        if (f->len >= 24 && cjd_load32(f->bytes + 12) == CJD_CTRL_HANDLE &&
            cjd_load16(f->bytes + 18) == type) {
            assert_int_equal(cjd_ctrl_checksum(f->bytes + 16, f->len - 16), 0);
            return f;
        }
    }
    return NULL;
}

/* --- the machine ------------------------------------------------------------------------------ */

void box_inject(struct box *box, const uint8_t *packet, uint32_t len)
{
    CJD_VEC_LOCAL(vec, 1);
    struct cjd_pkt *pkt = cjd_pool_take(box->pool, len);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, len);
    memcpy(cjd_pkt_data(pkt), packet, len);
    cjd_vec_add(&vec, pkt);
    cjd_node_inject(box->node, &vec, box->now_ns);
    assert_int_equal(vec.n, 0);
    cjd_node_flush(box->node);
}

uint32_t box_ip6(const struct box *box, uint8_t out[BOX_BYTES], const struct cjd_addr *to,
                 uint8_t next_header, uint8_t first, uint32_t len)
{
    assert_true(len > 0 && len <= BOX_BYTES - 40);
    memset(out, 0, 40 + len);
    out[0] = 0x60;
    cjd_store16(out + 4, (uint16_t)len);
    out[6] = next_header;
    out[7] = 64;
    memcpy(out + 8, box->keys.addr.b, 16);
    memcpy(out + 24, to->b, 16);
    out[40] = first;
    return 40 + len;
}

uint64_t box_dropped(const struct box *box, enum cjd_drop reason)
{
    return cjd_node_drops(box->node)->count[reason];
}
