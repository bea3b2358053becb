#include "pair.h"

#include <stdlib.h>
#include <string.h>

#include <base/time.h>

#define PASSWORD "bench"

static void link_tx(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    struct bench_node *n = ctx;

    (void)link;
    (void)queue;
    (void)flags;
    for (unsigned i = 0; i < vec->n; i++) {
        if (!cjd_vec_add(&n->out.vec, vec->v[i])) {
            cjd_pool_give(n->row->pool, vec->v[i]);
        }
    }
    vec->n = 0;
}

static void deliver(void *ctx, struct cjd_vec *vec)
{
    struct bench_node *n = ctx;

    n->delivered += vec->n;
    cjd_pool_give_vec(n->row->pool, vec);
}

/* The address of node i on everybody's link is its number. */
static struct cjd_linkaddr address(unsigned i)
{
    return (struct cjd_linkaddr){.b = {(uint8_t)i}, .len = 4};
}

static bool start_node(struct row *row, unsigned i)
{
    struct bench_node *n = &row->n[i];
    struct cjd_node_config config = {
        .rng = row->rng,
        .pool = row->pool,
        .ops = {.link_tx = link_tx, .deliver = deliver, .ctx = n},
    };

    n->row = row;
    n->out.vec = (struct cjd_vec){
        .size = (uint32_t)sizeof(struct cjd_vec), .cap = BATCH_MAX, .v = n->out.array};
    cjd_keypair_generate(&n->keys, &row->rng);
    config.self = n->keys;
    return cjd_node_new(&n->node, &config, row->now) == 0 &&
           cjd_users_add(cjd_node_users(n->node), "bench", PASSWORD, strlen(PASSWORD), NULL) == 0 &&
           cjd_node_link_add(n->node, "memory", 3496, 1) == 0;
}

static bool join(struct row *row, unsigned from, unsigned to)
{
    struct cjd_link_peer_spec spec = {.addr = address(to), .key = row->n[to].keys.key};

    cjd_credentials_init(&spec.credentials, "bench", PASSWORD, strlen(PASSWORD));
    return cjd_node_peer_add(row->n[from].node, &spec, row->now) >= 0;
}

unsigned row_take(struct row *row, unsigned i, struct cjd_vec *into)
{
    struct cjd_vec *out = &row->n[i].out.vec;
    unsigned to = out->n > 0 ? out->v[0]->addr.b[0] : i;
    unsigned kept = 0;

    for (unsigned k = 0; k < out->n; k++) {
        struct cjd_pkt *pkt = out->v[k];
        if (pkt->addr.b[0] == to && into->n < into->cap) {
            pkt->addr = address(i);
            cjd_vec_add(into, pkt);
        } else {
            out->v[kept++] = pkt;
        }
    }
    out->n = (uint16_t)kept;
    return to;
}

void row_discard(struct row *row, unsigned i)
{
    cjd_pool_give_vec(row->pool, &row->n[i].out.vec);
}

void row_settle(struct row *row)
{
    bool is_moving = true;

    while (is_moving) {
        is_moving = false;
        for (unsigned i = 0; i < NODES; i++) {
            CJD_VEC_LOCAL(vec, BATCH_MAX);
            cjd_node_flush(row->n[i].node);
            unsigned to = row_take(row, i, &vec);
            if (vec.n > 0) {
                cjd_node_rx(row->n[to].node, 0, 0, &vec, row->now);
                cjd_node_flush(row->n[to].node);
                is_moving = true;
            }
        }
    }
}

struct cjd_pkt *row_user_packet(struct row *row, unsigned to, uint32_t len)
{
    struct cjd_pkt *pkt = cjd_pool_take(row->pool, len);

    if (!pkt) {
        abort();
    }
    cjd_pkt_put(pkt, len);
    uint8_t *p = cjd_pkt_data(pkt);
    memset(p, 0, len);
    p[0] = 0x60;
    p[4] = (uint8_t)((len - 40) >> 8);
    p[5] = (uint8_t)(len - 40);
    p[6] = 17;
    memcpy(p + 8, row->n[0].keys.addr.b, 16);
    memcpy(p + 24, row->n[to].keys.addr.b, 16);
    return pkt;
}

static bool reaches(struct row *row, unsigned to)
{
    for (unsigned step = 0; step < 3000 && row->n[to].delivered == 0; step++) {
        row->now += 10 * CJD_MS;
        if (step % 50 == 0) {
            CJD_VEC_LOCAL(vec, 1);
            cjd_vec_add(&vec, row_user_packet(row, to, 100));
            cjd_node_inject(row->n[0].node, &vec, row->now);
        }
        for (unsigned i = 0; i < NODES; i++) {
            cjd_node_run(row->n[i].node, row->now);
        }
        row_settle(row);
    }
    return row->n[to].delivered > 0;
}

bool row_init(struct row *row)
{
    memset(row, 0, sizeof *row);
    row->now = 1000 * CJD_S;
    row->rng = cjd_rng_system();
    row->pool = cjd_pool_new(8 * BATCH_MAX, 1);
    bool ok = row->pool != NULL;
    for (unsigned i = 0; i < NODES && ok; i++) {
        ok = start_node(row, i);
    }
    return ok && join(row, 0, 1) && join(row, 1, 2) && reaches(row, 1) && reaches(row, 2);
}

void row_fini(struct row *row)
{
    for (unsigned i = 0; i < NODES; i++) {
        row_discard(row, i);
        cjd_node_free(row->n[i].node);
    }
    cjd_pool_free(row->pool);
}
