/* Plugins beside simulated nodes: the template of the SDK, and one that counts greetings which it
 * sends to a neighbour over cjd.upper and to itself over cjd.frontend. */
#include <testlib/testlib.h>

#include <cjd/text.h>
#include <cjd/upper.h>
#include <sim/plugin.h>

/* sdk/template/hello.c, linked under this name. */
extern const struct cjd_plugin hello_plugin;

#define TYPE 400u

struct greeter {
    const struct cjd_host *host;
    const struct cjd_loop_service *loop;
    const struct cjd_packet_service *packet;
    const struct cjd_upper_service *upper;
    const struct cjd_frontend_service *frontend;
    struct cjd_plugin_timer timer;
    struct cjd_addr other;
    unsigned heard;
    unsigned delivered;
    unsigned tasks;
    int sent_inside;
};

static int create(const struct cjd_host *host, void **self, struct cjd_plugin_error *error)
{
    struct greeter *g = test_calloc(1, sizeof *g);

    (void)error;
    g->host = host;
    g->loop = host->get(host, CJD_SERVICE_LOOP, 1);
    g->packet = host->get(host, CJD_SERVICE_PACKET, 1);
    g->upper = host->get(host, CJD_SERVICE_UPPER, 1);
    g->frontend = host->get(host, CJD_SERVICE_FRONTEND, 1);
    assert_null(host->get(host, "cjd.link", 1));
    assert_null(host->get(host, CJD_SERVICE_LOOP, 2));
    *self = g;
    return 0;
}

static void destroy(void *self)
{
    test_free(self);
}

static int configure(void *self, const json_t *config, struct cjd_plugin_error *error)
{
    struct greeter *g = self;

    (void)error;
    return cjd_addr_from_text(&g->other, json_string_value(json_object_get(config, "other")));
}

static void heard(void *arg, const struct cjd_upper_source *from, struct cjd_pkt *pkt)
{
    struct greeter *g = arg;
    CJD_VEC_LOCAL(vec, 1);

    assert_memory_equal(&from->addr, &g->other, sizeof g->other);
    assert_int_equal(pkt->len, 5);
    assert_memory_equal(cjd_pkt_data(pkt), "hello", 5);
    g->heard++;
    cjd_vec_add(&vec, pkt);
    g->packet->free(g->host, &vec);
}

/* IPv6 packets come from inside the node, where nothing can be sent. */
static void deliver(void *arg, struct cjd_vec *vec)
{
    struct greeter *g = arg;
    CJD_VEC_LOCAL(one, 1);

    g->delivered += vec->n;
    g->packet->free(g->host, vec);
    assert_int_equal(g->packet->alloc(g->host, &one, 1, 5), 1);
    g->sent_inside = g->upper->send(g->host, &g->other, TYPE, &one, 0);
}

static void count_task(void *arg)
{
    ((struct greeter *)arg)->tasks++;
}

static void greet(void *arg)
{
    struct greeter *g = arg;
    CJD_VEC_LOCAL(vec, 1);

    assert_int_equal(g->packet->alloc(g->host, &vec, 1, 5), 1);
    cjd_pkt_put(vec.v[0], 5);
    memcpy(cjd_pkt_data(vec.v[0]), "hello", 5);
    assert_int_equal(g->upper->send(g->host, &g->other, TYPE, &vec, 0), 0);
    assert_int_equal(g->loop->defer(g->host, count_task, g), 0);
    g->loop->timer_arm(g->host, &g->timer, CJD_S);
}

static int start(void *self, struct cjd_plugin_error *error)
{
    const struct cjd_frontend_ops ops = {.size = sizeof ops, .deliver = deliver};
    struct greeter *g = self;

    (void)error;
    assert_int_equal(g->upper->type_register(g->host, TYPE, TYPE + 9, heard, g), 0);
    assert_int_equal(g->upper->type_register(g->host, TYPE + 9, TYPE + 9, heard, g),
                     CJD_ERR_EXISTS);
    assert_int_equal(g->frontend->attach(g->host, &ops, g, NULL, 1304), 0);
    g->loop->timer_init(g->host, &g->timer, greet, g);
    g->loop->timer_arm(g->host, &g->timer, 10 * CJD_S);
    return 0;
}

static void stop(void *self)
{
    struct greeter *g = self;

    g->loop->timer_cancel(g->host, &g->timer);
    g->frontend->detach(g->host);
}

static const struct cjd_need needs[] = {{CJD_SERVICE_UPPER, 1, 0}, {NULL, 0, 0}};

static const struct cjd_plugin greeter = {.size = sizeof greeter,
                                          .id = "greeter",
                                          .needs = needs,
                                          .ops = {.size = sizeof(struct cjd_plugin_ops),
                                                  .create = create,
                                                  .destroy = destroy,
                                                  .configure = configure,
                                                  .start = start,
                                                  .stop = stop}};

static json_t *about(struct sim *sim, uint32_t other)
{
    char text[CJD_ADDR_TEXT_SIZE];

    cjd_addr_to_text(text, &sim_keys(sim, other)->addr);
    return json_pack("{s:s}", "other", text);
}

static void two_greeters(void **state)
{
    (void)state;
    struct sim *sim = sim_new(1);
    struct sim_plugin *plugin[2];
    json_t *config[2];

    for (uint32_t i = 0; i < 2; i++) {
        (void)sim_add_node(sim);
    }
    (void)sim_add_link(sim, 0, 1, &(struct sim_link_model){.delay_ns = 5 * CJD_MS});
    sim_start(sim, 0); /* one before its plugin, one after */
    for (uint32_t i = 0; i < 2; i++) {
        config[i] = about(sim, 1 - i);
        plugin[i] = sim_plugin_new(sim, i, &greeter, config[i]);
    }
    assert_null(sim_plugin_self(plugin[1]));
    sim_start(sim, 1);
    sim_run_until(sim, SIM_EPOCH + 20 * CJD_S);
    sim_ping(sim, 0, 1, 0, 0);
    sim_run_until(sim, SIM_EPOCH + 30 * CJD_S);
    for (uint32_t i = 0; i < 2; i++) {
        const struct greeter *g = sim_plugin_self(plugin[i]);
        assert_true(g->heard >= 20 && g->tasks >= 20);
    }
    const struct greeter *pinged = sim_plugin_self(plugin[1]);
    assert_int_equal(pinged->delivered, 1);
    assert_int_equal(pinged->sent_inside, CJD_ERR_STATE);
    /* A new life begins with nothing. */
    sim_stop(sim, 1);
    assert_null(sim_plugin_self(plugin[1]));
    sim_start(sim, 1);
    assert_int_equal(((const struct greeter *)sim_plugin_self(plugin[1]))->heard, 0);
    sim_run_until(sim, SIM_EPOCH + 60 * CJD_S);
    assert_true(((const struct greeter *)sim_plugin_self(plugin[1]))->heard >= 10);
    sim_free(sim);
    for (uint32_t i = 0; i < 2; i++) {
        assert_null(sim_plugin_self(plugin[i]));
        sim_plugin_free(plugin[i]);
        json_decref(config[i]);
    }
}

static void count_lines(void *ctx, uint32_t level, const char *line)
{
    unsigned *lines = ctx;

    assert_int_equal(level, CJD_LEVEL_INFO);
    assert_string_equal(line, "hello simulator");
    (*lines)++;
}

static void the_template(void **state)
{
    (void)state;
    struct sim *sim = sim_new(1);
    uint32_t node = sim_add_node(sim);
    json_t *config = json_pack("{s:s, s:i}", "name", "simulator", "every", 10);
    struct sim_plugin *p = sim_plugin_new(sim, node, &hello_plugin, config);
    unsigned lines = 0;

    sim_plugin_set_log(p, count_lines, &lines);
    sim_start(sim, node);
    sim_run_until(sim, SIM_EPOCH + 35 * CJD_S);
    assert_int_equal(lines, 4);
    sim_free(sim);
    sim_plugin_free(p);
    json_decref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_greeters),
        cmocka_unit_test(the_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
