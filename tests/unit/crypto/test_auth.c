/* The table of logins and the credentials of a session (CryptoAuth notes §3). */
#include <testlib/testlib.h>

#include <crypto/auth.h>
#include <crypto/keys.h>

static struct cjd_users *new_users(void)
{
    struct cjd_users *users = cjd_users_new();

    assert_int_equal(cjd_crypto_init(), 0);
    assert_non_null(users);
    return users;
}

static int add(struct cjd_users *users, const char *login, const char *password)
{
    return cjd_users_add(users, login, password, strlen(password), NULL);
}

static void same_login_again(void **state)
{
    struct cjd_users *users = new_users();

    (void)state;
    assert_int_equal(add(users, "bob", "secret"), 0);
    assert_int_equal(add(users, "bob", "secret"), 0);
    assert_int_equal(cjd_users_count(users), 1);
    assert_int_equal(add(users, "bob", "other"), CJD_ERR_EXISTS);
    assert_int_equal(cjd_users_count(users), 1);
    assert_int_equal(add(users, "Bob", "other"), 0);
    assert_int_equal(cjd_users_count(users), 2);
    assert_null(cjd_users_at(users, 2));
    assert_int_equal(cjd_users_add(users, "eve", NULL, 0, NULL), CJD_ERR_INVALID);
    cjd_users_free(users);
    cjd_users_free(NULL);
}

static void names_without_login(void **state)
{
    struct cjd_users *users = new_users();
    uint8_t by_name[8];
    struct cjd_credentials c;

    (void)state;
    assert_int_equal(add(users, NULL, "a"), 0);
    assert_int_equal(add(users, "bob", "b"), 0);
    assert_int_equal(add(users, NULL, "c"), 0);
    assert_string_equal(cjd_users_at(users, 0)->login, "Anon #0");
    assert_string_equal(cjd_users_at(users, 2)->login, "Anon #2");
    cjd_credentials_init(&c, "Anon #2", "c", 1);
    memcpy(by_name, c.lookup, 8);
    assert_ptr_equal(cjd_users_find(users, by_name), cjd_users_at(users, 2));
    /* The number of users is taken as a name: the next one is used. */
    assert_int_equal(cjd_users_remove(users, "bob"), 0);
    assert_int_equal(add(users, NULL, "d"), 0);
    assert_string_equal(cjd_users_at(users, 2)->login, "Anon #3");
    cjd_users_free(users);
}

/* More users than the first room; removal keeps the order. */
static void order_and_removal(void **state)
{
    struct cjd_users *users = new_users();
    char login[16];

    (void)state;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(login, sizeof login, "user%d", i);
        assert_int_equal(add(users, login, login), 0);
    }
    assert_int_equal(cjd_users_remove(users, "user7"), 0);
    assert_int_equal(cjd_users_remove(users, "user7"), CJD_ERR_NOT_FOUND);
    assert_int_equal(cjd_users_remove(users, "user39"), 0);
    assert_int_equal(cjd_users_count(users), 38);
    for (int i = 0, at = 0; i < 39; i++) {
        if (i != 7) {
            (void)snprintf(login, sizeof login, "user%d", i);
            assert_string_equal(cjd_users_at(users, (size_t)at++)->login, login);
        }
    }
    cjd_users_free(users);
}

static void first_match_wins(void **state)
{
    struct cjd_users *users = new_users();
    struct cjd_credentials c;

    (void)state;
    assert_int_equal(add(users, "one", "same"), 0);
    assert_int_equal(add(users, "two", "same"), 0);
    cjd_credentials_init(&c, NULL, "same", 4);
    assert_ptr_equal(cjd_users_find(users, c.lookup), cjd_users_at(users, 0));
    cjd_credentials_init(&c, "two", "same", 4);
    assert_ptr_equal(cjd_users_find(users, c.lookup), cjd_users_at(users, 1));
    cjd_users_free(users);
}

static void types_and_lookups(void **state)
{
    struct cjd_users *users = new_users();
    struct cjd_credentials c;
    uint8_t lookup[8];

    (void)state;
    assert_int_equal(add(users, "bob", "secret"), 0);
    cjd_credentials_init(&c, "bob", "secret", 6);
    for (unsigned type = 0; type < 256; type++) {
        memcpy(lookup, c.lookup, 8);
        lookup[0] = (uint8_t)type;
        assert_int_equal(cjd_users_find(users, lookup) != NULL, type == 2);
    }
    for (unsigned i = 1; i < 8; i++) {
        memcpy(lookup, c.lookup, 8);
        lookup[i] ^= 0x10;
        assert_null(cjd_users_find(users, lookup));
    }
    cjd_users_free(users);
}

static void restriction_is_kept(void **state)
{
    struct cjd_users *users = new_users();
    struct cjd_addr only = {{0xfc, 1, 2}};

    (void)state;
    assert_int_equal(cjd_users_add(users, "bob", "x", 1, &only), 0);
    assert_int_equal(add(users, "eve", "x"), 0);
    assert_true(cjd_users_at(users, 0)->is_restricted);
    assert_memory_equal(&cjd_users_at(users, 0)->only, &only, sizeof only);
    assert_false(cjd_users_at(users, 1)->is_restricted);
    cjd_users_free(users);
}

/* Logins are told apart by all their bytes, though only the first are kept for display. */
static void long_logins(void **state)
{
    struct cjd_users *users = new_users();
    char a[200];
    char b[200];

    (void)state;
    memset(a, 'x', sizeof a);
    a[199] = '\0';
    memcpy(b, a, sizeof b);
    b[150] = 'y';
    assert_int_equal(add(users, a, "1"), 0);
    assert_int_equal(add(users, b, "2"), 0);
    assert_int_equal(cjd_users_count(users), 2);
    assert_int_equal(strlen(cjd_users_at(users, 0)->login), CJD_LOGIN_MAX);
    assert_int_equal(cjd_users_remove(users, b), 0);
    assert_int_equal(add(users, a, "1"), 0);
    assert_int_equal(cjd_users_count(users), 1);
    cjd_users_free(users);
}

static void table_is_bounded(void **state)
{
    struct cjd_users *users = new_users();
    char login[16];

    (void)state;
    for (unsigned i = 0; i < CJD_USERS_MAX; i++) {
        (void)snprintf(login, sizeof login, "%u", i);
        assert_int_equal(add(users, login, "x"), 0);
    }
    assert_int_equal(add(users, "one more", "x"), CJD_ERR_FULL);
    assert_int_equal(add(users, "5", "x"), 0); /* there already */
    assert_int_equal(cjd_users_count(users), CJD_USERS_MAX);
    cjd_users_free(users);
}

static void credentials_are_wiped(void **state)
{
    struct cjd_credentials c;
    static const struct cjd_credentials zero;

    (void)state;
    cjd_credentials_init(&c, "bob", "secret", 6);
    assert_int_equal(c.type, 2);
    cjd_credentials_fini(&c);
    assert_memory_equal(&c, &zero, sizeof c);
    cjd_credentials_init(&c, "bob", NULL, 0);
    assert_memory_equal(&c, &zero, sizeof c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_login_again),      cmocka_unit_test(names_without_login),
        cmocka_unit_test(order_and_removal),     cmocka_unit_test(first_match_wins),
        cmocka_unit_test(types_and_lookups),     cmocka_unit_test(restriction_is_kept),
        cmocka_unit_test(long_logins),           cmocka_unit_test(table_is_bounded),
        cmocka_unit_test(credentials_are_wiped),
    };
    return cmocka_run_group_tests_name("crypto_auth", tests, NULL, NULL);
}
