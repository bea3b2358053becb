/*
 * A layer above the nodes, as the example of docs/simulator.md: one node knows the names of others
 * and tells whoever asks. Questions get lost; who asks, asks again after a second. The one that
 * knows restarts in between.
 */
#include <testlib/testlib.h>

#include <sim/sim.h>

#define TYPE  300u
#define NODES 10u

struct names {
    struct sim *sim;
    bool is_answered[NODES];
    struct cjd_addr answer[NODES];
    unsigned asked;
};

/* "?" asks for a name, which is a digit; "!" and an address answers. */
static void heard(void *ctx, uint32_t node, const struct cjd_node_source *from, struct cjd_pkt *pkt)
{
    struct names *n = ctx;
    const uint8_t *p = cjd_pkt_data(pkt);

    assert_int_equal(from->type, TYPE);
    if (pkt->len == 2 && p[0] == '?' && node == 0) {
        uint8_t answer[17] = "!";
        memcpy(answer + 1, sim_keys(n->sim, p[1])->addr.b, 16);
        assert_int_equal(sim_send(n->sim, node, &from->addr, TYPE, answer, sizeof answer), 0);
    } else if (pkt->len == 17 && p[0] == '!') {
        assert_memory_equal(&from->addr, &sim_keys(n->sim, 0)->addr, sizeof from->addr);
        memcpy(n->answer[node].b, p + 1, 16);
        n->is_answered[node] = true;
    }
    cjd_pool_give(sim_pool(n->sim), pkt);
}

static void ask(void *arg, uint32_t node)
{
    struct names *n = arg;
    const uint8_t question[2] = {'?', (uint8_t)(NODES - 1 - node)};

    if (!n->is_answered[node]) {
        n->asked++;
        assert_int_equal(
            sim_send(n->sim, node, &sim_keys(n->sim, 0)->addr, TYPE, question, sizeof question), 0);
        sim_at(n->sim, sim_now(n->sim) + CJD_S, ask, n, node);
    }
}

static struct sim *chain(void)
{
    const struct sim_link_model model = {.delay_ns = 10 * CJD_MS, .loss_ppm = 50000};
    struct sim *sim = sim_new(3);

    for (uint32_t i = 0; i < NODES; i++) {
        (void)sim_add_node(sim);
        if (i > 0) {
            (void)sim_add_link(sim, i - 1, i, &model);
        }
    }
    return sim;
}

static void names_are_told(void **state)
{
    (void)state;
    struct names n = {.sim = chain()};

    for (uint32_t i = 0; i < NODES; i++) {
        assert_int_equal(sim_set_content(n.sim, i, TYPE, TYPE, heard, &n), 0);
        sim_start(n.sim, i);
        if (i > 0) {
            sim_at(n.sim, SIM_EPOCH + 20 * CJD_S + i * CJD_MS, ask, &n, i);
        }
    }
    /* Nobody answers while it is away. */
    sim_run_until(n.sim, SIM_EPOCH + 19 * CJD_S);
    sim_stop(n.sim, 0);
    sim_run_until(n.sim, SIM_EPOCH + 22 * CJD_S);
    for (uint32_t i = 1; i < NODES; i++) {
        assert_false(n.is_answered[i]);
    }
    sim_start(n.sim, 0);
    sim_run_until(n.sim, SIM_EPOCH + 60 * CJD_S);
    for (uint32_t i = 1; i < NODES; i++) {
        assert_true(n.is_answered[i]);
        assert_memory_equal(&n.answer[i], &sim_keys(n.sim, NODES - 1 - i)->addr, 16);
    }
    assert_true(n.asked > 2 * (NODES - 1));
    sim_free(n.sim);
}

static void ranges(void **state)
{
    (void)state;
    struct names n = {.sim = chain()};
    const struct cjd_addr *addr = &sim_keys(n.sim, 1)->addr;
    uint8_t big[4000] = {0};

    assert_int_equal(sim_set_content(n.sim, 0, 256, 300, heard, &n), CJD_ERR_INVALID);
    assert_int_equal(sim_set_content(n.sim, 0, 300, 299, heard, &n), CJD_ERR_INVALID);
    assert_int_equal(sim_set_content(n.sim, 0, 300, 310, heard, &n), 0);
    assert_int_equal(sim_set_content(n.sim, 0, 310, 320, heard, &n), CJD_ERR_EXISTS);
    assert_int_equal(sim_set_content(n.sim, 0, 311, 320, heard, &n), 0);
    assert_int_equal(sim_set_content(n.sim, 0, 300, 310, NULL, NULL), 0);
    assert_int_equal(sim_set_content(n.sim, 0, 300, 310, NULL, NULL), CJD_ERR_INVALID);
    assert_int_equal(sim_send(n.sim, 0, addr, TYPE, big, 1), CJD_ERR_STATE); /* not running */
    sim_start(n.sim, 0);
    assert_int_equal(sim_send(n.sim, 0, addr, 256, big, 1), CJD_ERR_INVALID);
    assert_int_equal(sim_send(n.sim, 0, addr, TYPE, big, sizeof big), CJD_ERR_INVALID);
    assert_int_equal(sim_send(n.sim, 0, addr, TYPE, big, 1), 0);
    sim_free(n.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_told),
        cmocka_unit_test(ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
