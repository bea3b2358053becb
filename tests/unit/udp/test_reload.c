/* A running link gets another configuration. */
#include "udp_fixture.h"

#define A         PEER("192.0.2.1:1", KEY_A, "a")
#define B         PEER("192.0.2.2:2", KEY_B, "b")
#define N         PEER("node.example:3", KEY_A, "n")
#define WITH(...) "{\"bind\":\"127.0.0.1\",\"peers\":[" __VA_ARGS__ "]}"

static void test_added_and_removed(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    udp_fixture_start(&f, WITH(A));
    uint32_t a = cjd_fake_peer(f.fake, "a")->id;
    assert_int_equal(udp_fixture_configure(&f, WITH(B "," A)), 0);
    assert_int_equal(cjd_fake_peer(f.fake, "a")->id, a); /* untouched */
    assert_non_null(cjd_fake_peer(f.fake, "b"));
    assert_int_equal(udp_fixture_configure(&f, WITH(B)), 0);
    assert_null(cjd_fake_peer(f.fake, "a"));
    assert_non_null(cjd_fake_peer(f.fake, "b"));
    assert_int_equal(udp_fixture_configure(&f, WITH("")), 0);
    assert_int_equal(cjd_fake_peers(f.fake), 0);
    assert_int_equal(udp_fixture_configure(&f, WITH(A)), 0);
    assert_int_equal(cjd_fake_peers(f.fake), 1);
    udp_fixture_end(&f);
}

static void test_changed(void **state)
{
    static const char *const changes[] = {
        "\"address\":\"192.0.2.1:9\",\"publicKey\":\"" KEY_A "\",\"password\":\"x\"",
        "\"address\":\"192.0.2.1:1\",\"publicKey\":\"" KEY_B "\",\"password\":\"x\"",
        "\"address\":\"192.0.2.1:1\",\"publicKey\":\"" KEY_A "\",\"password\":\"y\"",
        "\"address\":\"192.0.2.1:1\",\"publicKey\":\"" KEY_A
        "\",\"password\":\"x\",\"login\":\"l\"",
        "\"address\":\"192.0.2.1:1\",\"publicKey\":\"" KEY_A "\",\"password\":\"x\",\"name\":\"n\"",
    };
    const char *first =
        WITH("{\"address\":\"192.0.2.1:1\",\"publicKey\":\"" KEY_A "\",\"password\":\"x\"}");
    char json[512];

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct udp_fixture f = udp_fixture_new();
        udp_fixture_start(&f, first);
        assert_int_equal(udp_fixture_configure(&f, first), 0);
        assert_int_equal(f.fake->peer_count, 1); /* the same: nothing happens */
        snprintf(json, sizeof json, WITH("{%s}"), changes[i]);
        assert_int_equal(udp_fixture_configure(&f, json), 0);
        assert_int_equal(f.fake->peer_count, 2); /* removed, and added anew */
        assert_true(f.fake->peers[0].is_removed);
        assert_int_equal(cjd_fake_peers(f.fake), 1);
        udp_fixture_end(&f);
    }
}

static void test_names(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    udp_fixture_start(&f, WITH(N));
    /* An open question survives a reload that leaves its peer alone. */
    assert_int_equal(udp_fixture_configure(&f, WITH(N "," B)), 0);
    assert_int_equal(f.fake->ask_count, 1);
    cjd_fake_answer(f.fake, "node.example", "192.0.2.9");
    assert_int_equal(cjd_fake_peer(f.fake, "n")->set_addrs, 1);
    /* Removed while asking: the question is withdrawn. */
    assert_int_equal(udp_fixture_configure(&f, WITH("")), 0);
    assert_int_equal(udp_fixture_configure(&f, WITH(N)), 0);
    assert_int_equal(f.fake->ask_count, 2);
    assert_int_equal(udp_fixture_configure(&f, WITH(B)), 0);
    assert_null(cjd_fake_open_ask(f.fake, "node.example"));
    udp_fixture_end(&f);
}

static void test_restart_needed(void **state)
{
    static const char *const changes[] = {
        "{\"bind\":\"127.0.0.1:1\",\"peers\":[" B "]}",
        "{\"bind\":\"127.0.0.2\",\"peers\":[" B "]}",
        "{\"bind\":\"127.0.0.1\",\"beacon\":{\"mode\":\"send\"},\"peers\":[" B "]}",
        "{\"bind\":\"127.0.0.1\",\"dscp\":5,\"peers\":[" B "]}",
    };
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    udp_fixture_start(&f, WITH(A));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        assert_int_equal(udp_fixture_configure(&f, changes[i]), CJD_ERR_RESTART_NEEDED);
        assert_non_null(cjd_fake_peer(f.fake, "a")); /* nothing changed */
        assert_null(cjd_fake_peer(f.fake, "b"));
    }
    /* The port the system chose belongs to the configuration that did not name one. */
    assert_int_equal(udp_fixture_configure(&f, "{\"bind\":\"127.0.0.1:0\",\"peers\":[" A "]}"), 0);
    udp_fixture_end(&f);
}

static void test_error_changes_nothing(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    udp_fixture_start(&f, WITH(A));
    assert_int_equal(udp_fixture_configure(&f, WITH(B ",{}")), CJD_ERR_CONFIG);
    assert_string_equal(f.error.pointer, "/peers/1");
    assert_non_null(cjd_fake_peer(f.fake, "a"));
    assert_int_equal(cjd_fake_peers(f.fake), 1);
    udp_fixture_end(&f);
}

static void test_refused_before_is_tried_again(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    f.fake->next_add_err = CJD_ERR_OWN_KEY;
    udp_fixture_start(&f, WITH(A));
    assert_int_equal(cjd_fake_peers(f.fake), 0);
    assert_int_equal(udp_fixture_configure(&f, WITH(A)), 0);
    assert_int_equal(cjd_fake_peers(f.fake), 1);
    /* And one the core removed comes back. */
    cjd_fake_peer_drop(f.fake, cjd_fake_peer(f.fake, "a"));
    assert_int_equal(udp_fixture_configure(&f, WITH(A)), 0);
    assert_int_equal(cjd_fake_peers(f.fake), 1);
    udp_fixture_end(&f);
}

static void test_before_start(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    assert_int_equal(udp_fixture_configure(&f, "{\"bind\":\"127.0.0.2\"}"), 0);
    assert_int_equal(udp_fixture_configure(&f, WITH(A)), 0); /* nothing is open yet */
    assert_int_equal(f.ops->acquire(f.udp, &f.error), 0);
    assert_int_equal(udp_fixture_configure(&f, "{\"bind\":\"127.0.0.2\"}"), CJD_ERR_RESTART_NEEDED);
    assert_int_equal(udp_fixture_configure(&f, WITH(B)), 0);
    assert_int_equal(f.ops->start(f.udp, &f.error), 0);
    assert_non_null(cjd_fake_peer(f.fake, "b"));
    udp_fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_added_and_removed),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_restart_needed),
        cmocka_unit_test(test_error_changes_nothing),
        cmocka_unit_test(test_refused_before_is_tried_again),
        cmocka_unit_test(test_before_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
