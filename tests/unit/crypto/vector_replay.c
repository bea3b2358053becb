/* Known answers: replay, 13 sequences (CryptoAuth notes §8). */
#include <testlib/testlib.h>

#include <crypto/replay.h>

static int64_t column(const json_t *step, size_t i)
{
    const json_t *v = json_array_get(step, i);
    assert_true(json_is_integer(v));
    return json_integer_value(v);
}

/* Columns: nonce, accept, base, bitfield, duplicates, lost, out_of_range. */
static void check_step(const char *name, size_t at, const json_t *step, struct cjd_replay *r)
{
    bool want = json_is_true(json_array_get(step, 1));
    bool is_accepted = cjd_replay_accept(r, (uint32_t)column(step, 0));

    if (is_accepted != want || r->base != (uint32_t)column(step, 2) ||
        r->bits != test_label(json_string_value(json_array_get(step, 3))) ||
        r->duplicates != (uint32_t)column(step, 4) || r->lost != (uint32_t)column(step, 5) ||
        r->out_of_range != (uint32_t)column(step, 6)) {
        fail_msg("%s, step %zu: accepted %d base %u bits %016llx dup %u lost %u range %u", name, at,
                 is_accepted, r->base, (unsigned long long)r->bits, r->duplicates, r->lost,
                 r->out_of_range);
    }
}

static void check_columns(const json_t *c)
{
    static const char *const want[] = {"nonce",      "accept", "base",        "bitfield",
                                       "duplicates", "lost",   "out_of_range"};
    const json_t *columns = json_object_get(c, "columns");

    assert_int_equal(json_array_size(columns), 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(json_string_value(json_array_get(columns, i)), want[i]);
    }
}

static void replay(void **state)
{
    json_t *root = test_vectors("cryptoauth.json");
    const json_t *cases = json_object_get(root, "replay");
    size_t steps = 0;
    size_t i;
    size_t k;
    const json_t *c;
    const json_t *step;

    (void)state;
    assert_true(json_array_size(cases) >= 13);
    json_array_foreach(cases, i, c)
    {
        struct cjd_replay r = {.base = (uint32_t)test_int(c, "initial_base")};
        check_columns(c);
        json_array_foreach(json_object_get(c, "steps"), k, step)
        {
            check_step(test_str(c, "name"), k, step, &r);
            steps++;
        }
        assert_true(k > 0);
    }
    assert_int_equal(i, json_array_size(cases));
    assert_true(steps >= 1137);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(replay)};
    return cmocka_run_group_tests_name("vector_crypto_replay", tests, NULL, NULL);
}
