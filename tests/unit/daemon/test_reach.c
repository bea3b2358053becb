/* What of this machine others are told; what can be tested without a certain network. */
#include <testlib/testlib.h>

#include <daemon/reach.h>

static void kinds(void **state)
{
    (void)state;
    assert_true(cjd_reach_is_global("203.0.113.7:1"));
    assert_true(cjd_reach_is_global("node.example.org:1"));
    assert_true(cjd_reach_is_global("[2001:db8::7]:1"));
    assert_false(cjd_reach_is_global("192.168.0.1:1"));
    assert_false(cjd_reach_is_global("100.64.0.1:1"));
    assert_false(cjd_reach_is_global("[fd00::1]:1"));
    assert_false(cjd_reach_is_global("1.2.3:1"));
}

/* What cannot be sent to comes last; the order of the others stays. */
static void sorted(void **state)
{
    struct cjd_peer_uri uri = {.address = {"255.255.255.255:1", "name:1", "127.0.0.1:1"},
                               .address_count = 3};

    (void)state;
    cjd_reach_sort(&uri);
    assert_int_equal(uri.address_count, 3);
    assert_string_equal(uri.address[0], "name:1");
    assert_string_equal(uri.address[1], "127.0.0.1:1");
    assert_string_equal(uri.address[2], "255.255.255.255:1");
}

static void add_bind(struct cjd_peering_self *self, const char *text)
{
    const char *why;

    assert_int_equal(cjd_endpoint_parse(&self->bind[self->bind_count++], text, &why), 0);
}

static void from_binds(void **state)
{
    struct cjd_peering_self self = {.bind_count = 0};
    struct cjd_peer_uri uri = {.address_count = 0};
    const char *why;

    (void)state;
    assert_false(cjd_reach_fill(&uri, &self, &why));
    assert_non_null(strstr(why, "no UDP link"));
    add_bind(&self, "0.0.0.0:0");
    add_bind(&self, "[::]");
    assert_false(cjd_reach_fill(&uri, &self, &why));
    assert_non_null(strstr(why, "no fixed port"));
    add_bind(&self, "192.168.7.7:5199");
    assert_true(cjd_reach_fill(&uri, &self, &why));
    assert_int_equal(uri.address_count, 1);
    assert_string_equal(uri.address[0], "192.168.7.7:5199");
    /* What all can reach goes before what some can. */
    uri.address_count = 0;
    add_bind(&self, "[2001:db8::7]:5200");
    assert_true(cjd_reach_fill(&uri, &self, &why));
    assert_int_equal(uri.address_count, 1);
    assert_string_equal(uri.address[0], "[2001:db8::7]:5200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kinds), cmocka_unit_test(sorted),
                                       cmocka_unit_test(from_binds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
