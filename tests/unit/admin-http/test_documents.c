/* Problem documents and the OpenAPI document. */
#include "http_fixture.h"

static void test_kinds(void **state)
{
    (void)state;
    assert_int_equal(cjd_http_problem_info(CJD_HTTP_WRONG_HOST)->status, 421);
    assert_int_equal(cjd_http_problem_info(CJD_HTTP_UNAVAILABLE)->status, 503);
    assert_true(cjd_http_problem_info(CJD_HTTP_UNAVAILABLE)->retry_s > 0);
    assert_true(cjd_http_problem_info(CJD_HTTP_RATE)->retry_s > 0);
    assert_int_equal(cjd_http_problem_of(CJD_ERR_INVALID), CJD_HTTP_INVALID);
    assert_int_equal(cjd_http_problem_of(CJD_ERR_NOT_FOUND), CJD_HTTP_NOT_FOUND);
    assert_int_equal(cjd_http_problem_of(CJD_ERR_EXISTS), CJD_HTTP_CONFLICT);
    assert_int_equal(cjd_http_problem_of(CJD_ERR_PERMISSION), CJD_HTTP_FORBIDDEN);
    assert_int_equal(cjd_http_problem_of(CJD_ERR_FULL), CJD_HTTP_UNAVAILABLE);
    assert_int_equal(cjd_http_problem_of(CJD_ERR_TIMEOUT), CJD_HTTP_TIMEOUT);
    assert_int_equal(cjd_http_problem_of(CJD_ERR_IO), CJD_HTTP_INTERNAL);
    assert_int_equal(cjd_http_problem_of(-12345), CJD_HTTP_INTERNAL);
}

static void test_problem(void **state)
{
    const struct cjd_rpc_error error = {.size = sizeof error,
                                        .err = CJD_ERR_INVALID,
                                        .code = "key_too_short",
                                        .pointer = "/public_key",
                                        .message = "48 characters",
                                        .hint = "copy all of it"};
    json_t *packed = cjd_http_error_pack(&error);
    json_t *doc = cjd_http_problem(CJD_HTTP_INVALID, "/v1/peers", packed);
    const json_t *first = json_array_get(json_object_get(doc, "errors"), 0);

    (void)state;
    assert_string_equal(fixture_text(doc, "type"), "urn:cjdns:problem:invalid-parameter");
    assert_string_equal(fixture_text(doc, "title"), "Invalid parameter");
    assert_int_equal(test_int(doc, "status"), 422);
    assert_string_equal(fixture_text(doc, "detail"), "48 characters");
    assert_string_equal(fixture_text(doc, "instance"), "/v1/peers");
    assert_string_equal(fixture_text(doc, "code"), "key_too_short");
    assert_string_equal(fixture_text(doc, "hint"), "copy all of it");
    assert_string_equal(fixture_text(first, "pointer"), "/public_key");
    json_decref(doc);
    json_decref(packed);
}

static void test_problem_of_nothing(void **state)
{
    json_t *doc = cjd_http_problem(CJD_HTTP_MALFORMED, "/\xff\xfe", NULL);

    (void)state;
    assert_int_equal(test_int(doc, "status"), 400);
    assert_null(json_object_get(doc, "instance")); /* no UTF-8 */
    assert_null(json_object_get(doc, "errors"));
    assert_null(json_object_get(doc, "detail"));
    json_decref(doc);
}

/* --- OpenAPI ------------------------------------------------------------------------------------
 */

static const json_t *operation(const json_t *doc, const char *path, const char *verb)
{
    return json_object_get(json_object_get(json_object_get(doc, "paths"), path), verb);
}

static const json_t *parameter(const json_t *op, const char *name)
{
    const json_t *p;
    size_t i;

    json_array_foreach(json_object_get(op, "parameters"), i, p)
    {
        if (strcmp(fixture_text(p, "name"), name) == 0) {
            return p;
        }
    }
    return NULL;
}

static const json_t *dig(const json_t *value, const char *const *keys)
{
    for (; *keys; keys++) {
        value = json_object_get(value, *keys);
    }
    return value;
}

static void test_openapi_parameters(void **state)
{
    struct cjd_http_catalog *c = fixture_catalog();
    json_t *doc = cjd_http_openapi(c);
    const json_t *list = operation(doc, "/v1/peers", "get");
    const json_t *get = operation(doc, "/v1/peers/{peer}", "get");

    (void)state;
    assert_string_equal(fixture_text(doc, "openapi"), "3.1.0");
    assert_string_equal(fixture_text(list, "operationId"), "peers.list");
    assert_string_equal(fixture_text(list, "x-scope"), "read");
    assert_string_equal(fixture_text(parameter(list, "state"), "in"), "query");
    assert_string_equal(fixture_text(parameter(list, "state"), "description"), "which");
    assert_null(json_object_get(parameter(list, "state"), "required"));
    assert_null(json_object_get(list, "requestBody"));
    assert_string_equal(fixture_text(parameter(get, "peer"), "in"), "path");
    assert_true(json_is_true(json_object_get(parameter(get, "peer"), "required")));
    assert_non_null(operation(doc, "/v1/peers/{peer}", "delete"));
    json_decref(doc);
    cjd_http_catalog_free(c);
}

static void test_openapi_bodies(void **state)
{
    struct cjd_http_catalog *c = fixture_catalog();
    json_t *doc = cjd_http_openapi(c);
    const json_t *retry = operation(doc, "/v1/peers/{peer}/retry", "post");
    const json_t *body = json_object_get(retry, "requestBody");
    const json_t *schema =
        dig(body, (const char *const[]){"content", "application/json", "schema", NULL});
    const json_t *walk = operation(doc, "/v1/walk", "post");

    (void)state;
    assert_true(json_is_true(json_object_get(body, "required")));
    assert_non_null(dig(schema, (const char *const[]){"properties", "times", NULL}));
    assert_null(dig(schema, (const char *const[]){"properties", "peer", NULL}));
    assert_int_equal(json_array_size(json_object_get(schema, "required")), 1);
    /* The schema of the registry's copy is as it was. */
    assert_int_equal(
        json_array_size(json_object_get(cjd_http_catalog_find(c, "peers.retry")->args, "required")),
        2);
    assert_null(json_object_get(operation(doc, "/v1/peers/reset", "post"), "requestBody"));
    assert_non_null(dig(walk, (const char *const[]){"responses", "200", "content",
                                                    "application/x-ndjson", "schema", NULL}));
    assert_non_null(
        dig(walk, (const char *const[]){"responses", "200", "content", "application/json", "schema",
                                        "properties", "items", NULL}));
    json_decref(doc);
    cjd_http_catalog_free(c);
}

/* Each identifier once, each tag told. */
static void test_openapi_whole(void **state)
{
    struct cjd_http_catalog *c = fixture_catalog();
    json_t *doc = cjd_http_openapi(c);
    json_t *ids = json_object();
    const char *path;
    const char *verb;
    json_t *operations;
    json_t *op;
    size_t count = 0;

    (void)state;
    json_object_foreach(json_object_get(doc, "paths"), path, operations)
    {
        json_object_foreach(operations, verb, op)
        {
            json_object_set_new(ids, fixture_text(op, "operationId"), json_true());
            assert_non_null(dig(op, (const char *const[]){"responses", "default", NULL}));
            count++;
        }
    }
    assert_int_equal(json_object_size(ids), count);
    assert_int_equal(count, c->count + 8);
    assert_int_equal(json_array_size(json_object_get(doc, "tags")), 3);
    json_decref(ids);
    json_decref(doc);
    cjd_http_catalog_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_problem),
        cmocka_unit_test(test_problem_of_nothing),
        cmocka_unit_test(test_openapi_parameters),
        cmocka_unit_test(test_openapi_bodies),
        cmocka_unit_test(test_openapi_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
