/* The command line of what changes a file. */
#include <testlib/testlib.h>

#include <daemon/options.h>

static int parse(struct cjd_options *out, const char *said, ...)
{
    char *argv[24] = {(char[]){"cjdroute"}};
    char text[512] = "";
    FILE *err = fmemopen(text, sizeof text, "w");
    va_list args;
    int argc = 1;

    assert_non_null(err);
    va_start(args, said);
    for (char *word = va_arg(args, char *); word; word = va_arg(args, char *)) {
        argv[argc++] = word;
    }
    va_end(args);
    int status = cjd_options_parse(out, argc, argv, err);
    fclose(err);
    assert_int_equal(status, said ? CJD_EXIT_USAGE : 0);
    if (said && !strstr(text, said)) {
        fail_msg("%s", text);
    }
    return status;
}

static void invite(void **state)
{
    struct cjd_options o;

    (void)state;
    parse(&o, NULL, "--config", "f", "--invite", "bob", "--address", "h:1", "--address=[::1]:2",
          "--replace", NULL);
    assert_int_equal(o.action, CJD_ACTION_INVITE);
    assert_string_equal(o.config, "f");
    assert_string_equal(o.invite, "bob");
    assert_int_equal(o.address_count, 2);
    assert_string_equal(o.addresses[1], "[::1]:2");
    assert_true(o.replaces);
    parse(&o, "missing after --invite", "--invite", NULL);
    parse(&o, "one --invite or --add-peer at a time", "--invite", "a", "--invite", "b", NULL);
    parse(&o, "only one thing at a time", "--invite", "a", "--check", NULL);
    parse(&o, "too many addresses", "--invite", "a", "--address", "1", "--address", "2",
          "--address", "3", "--address", "4", "--address", "5", "--address", "6", "--address", "7",
          "--address", "8", "--address", "9", NULL);
}

static void add_peer(void **state)
{
    struct cjd_options o;

    (void)state;
    parse(&o, NULL, "--add-peer", "-", "--config", "f", NULL);
    assert_int_equal(o.action, CJD_ACTION_ADD_PEER);
    assert_string_equal(o.peer, "-");
    assert_false(o.replaces);
    parse(&o, "--address goes with --invite", "--add-peer", "-", "--address", "h:1", NULL);
    parse(&o, "--replace goes with", "--check", "--replace", NULL);
    parse(&o, "only one thing at a time", "--add-peer", "-", "--invite", "b", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(invite), cmocka_unit_test(add_peer)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
