/* Runs what each header, compiled alone, has left: see CMakeLists.txt. */
#include <testlib/testlib.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

#define HEADER(name) int JOIN(HEADER_PREFIX, name)(void);
#include HEADER_LIST
#undef HEADER

static void each_compiles_alone(void **state)
{
    (void)state;
    unsigned count = 0;

#define HEADER(name) count += (unsigned)JOIN(HEADER_PREFIX, name)();
#include HEADER_LIST
#undef HEADER
    assert_true(count >= 10);
}

#ifdef HEADER_LINKAGE
int sdk_linkage(void);

static void helpers_have_c_linkage(void **state)
{
    (void)state;
    assert_int_equal(sdk_linkage(), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_compiles_alone),
#ifdef HEADER_LINKAGE
        cmocka_unit_test(helpers_have_c_linkage),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
