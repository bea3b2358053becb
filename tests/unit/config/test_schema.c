/* Schemas: which are refused, what they find in values, and the defaults they fill in. */
#include "helper.h"

static struct cjd_schema *compile(const char *text)
{
    struct cjd_schema *schema;
    char why[256] = "";

    if (cjd_schema_new(&schema, text, why, sizeof why) < 0) {
        fail_msg("%s: %s", text, why);
    }
    return schema;
}

static void refused_schemas(void **state)
{
    static const struct {
        const char *text;
        const char *part; /* of the reason */
    } rows[] = {
        {"", "line 1"},
        {"{\"type\":", "line 1"},
        {"[]", "a schema is an object"},
        {"{\"type\":\"object\",\"type\":\"object\"}", "duplicate"},
        {"{\"pattern\":\"x\"}", "\"pattern\" cannot be checked, at its top"},
        {"{\"oneOf\":[]}", "oneOf"},
        {"{\"$ref\":\"#\"}", "$ref"},
        {"{\"properties\":{\"a\":{\"minItems\":1}}}",
         "\"minItems\" cannot be checked, at /properties/a"},
        {"{\"items\":{\"items\":{\"x\":1}}}", "at /items/items"},
        {"{\"additionalProperties\":{\"x\":1}}", "at /additionalProperties"},
        {"{\"additionalProperties\":1}", "at /additionalProperties"},
        {"{\"type\":\"text\"}", "\"type\""},
        {"{\"type\":5}", "\"type\""},
        {"{\"type\":[]}", "\"type\""},
        {"{\"type\":[\"string\",\"text\"]}", "\"type\""},
        {"{\"properties\":[]}", "\"properties\""},
        {"{\"properties\":{\"a\":true}}", "a schema is an object, at /properties/a"},
        {"{\"required\":\"a\"}", "\"required\""},
        {"{\"required\":[1]}", "\"required\""},
        {"{\"enum\":[]}", "\"enum\""},
        {"{\"enum\":1}", "\"enum\""},
        {"{\"minimum\":\"1\"}", "\"minimum\""},
        {"{\"maximum\":null}", "\"maximum\""},
        {"{\"minLength\":-1}", "\"minLength\""},
        {"{\"maxLength\":1.5}", "\"maxLength\""},
        {"{\"format\":\"uri\"}", "\"uri\""},
        {"{\"format\":1}", "format"},
        {"{\"description\":1}", "\"description\""},
        {"{\"type\":\"integer\",\"default\":\"x\"}", "default does not fit: must be an integer"},
        {"{\"properties\":{\"a\":{\"maximum\":3,\"default\":4}}}", "default does not fit"},
        {"{\"properties\":{\"a\":{\"default\":{\"b\":1},\"properties\":{\"b\":{\"type\":\"string\"}"
         "}}}}",
         "/b: must be a text"},
    };
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cjd_schema *schema;
        int err = cjd_schema_new(&schema, rows[i].text, why, sizeof why);
        if (err != CJD_ERR_CONFIG || !strstr(why, rows[i].part)) {
            fail_msg("%s: %d %s", rows[i].text, err, why);
        }
        assert_null(schema);
    }
}

static void deep_schemas_are_refused(void **state)
{
    char text[4096] = "";
    struct cjd_schema *schema;
    char why[64];

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        strcat(text, "{\"items\":");
    }
    strcat(text, "{}");
    for (unsigned i = 0; i < 100; i++) {
        strcat(text, "}");
    }
    assert_int_equal(cjd_schema_new(&schema, text, why, sizeof why), CJD_ERR_CONFIG);
    assert_non_null(strstr(why, "deeply"));
    cjd_schema_free(NULL);
}

/* Checks `value` as the configuration of a plugin in a file, so that places can be seen. */
struct checked {
    struct reading r;
    struct cjd_config_plugin plugin;
    int err;
};

static struct checked check(const char *schema_text, const char *value)
{
    struct cjd_schema *schema = compile(schema_text);
    char text[1024];
    struct checked c;

    snprintf(text, sizeof text,
             "{\"node\":{\"privateKey\":\"" OWN_SECRET
             "\"},\n\"plugins\":[{\"plugin\":\"p\",\"config\":\n"
             "%s\n}]}",
             value);
    c.r = read_text(text);
    assert_read(&c.r);
    c.plugin = cjd_config_plugin_at(c.r.config, 0);
    c.err = cjd_schema_check(schema, c.plugin.config, c.r.config, c.plugin.pointer, &c.r.diags);
    assert_int_equal(c.err, c.r.diags.errors > 0 ? CJD_ERR_CONFIG : 0);
    cjd_schema_free(schema);
    return c;
}

/* All values stand on line 3. */
static const struct {
    const char *schema;
    const char *value;
    unsigned column;
    const char *pointer; /* below the configuration */
    const char *part;    /* of the message; NULL: no fault */
} value_rows[] = {
    {"{}", "{\"a\":[1,{}]}", 0, "", NULL},
    {"{\"type\":\"object\"}", "{}", 0, "", NULL},
    {"{\"type\":\"array\"}", "{}", 1, "", "must be a list [ ], not an object { }"},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":1}", 0, "", NULL},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":1.0}", 6, "/a",
     "must be an integer, not a number"},
    {"{\"properties\":{\"a\":{\"type\":\"number\"}}}", "{\"a\":1}", 0, "", NULL},
    {"{\"properties\":{\"a\":{\"type\":\"number\"}}}", "{\"a\":1.5}", 0, "", NULL},
    {"{\"properties\":{\"a\":{\"type\":\"boolean\"}}}", "{\"a\": 1}", 7, "/a",
     "must be true or false, not an integer"},
    {"{\"properties\":{\"a\":{\"type\":\"boolean\"}}}", "{\"a\":false}", 0, "", NULL},
    {"{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}}}", "{\"a\":null}", 0, "", NULL},
    {"{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}}}", "{\"a\":{}}", 6, "/a",
     "must be a text in quotes or null, not an object"},
    {"{\"required\":[\"a\"]}", "{\"b\":1}", 1, "", "the key \"a\" is missing"},
    {"{\"required\":[\"a\"],\"properties\":{\"a\":{\"default\":1}}}", "{}", 0, "", NULL},
    {"{\"additionalProperties\":false,\"properties\":{\"bind\":{},\"peers\":{}}}", "{\"bnid\":1}",
     2, "/bnid", "did you mean \"bind\"?"},
    {"{\"additionalProperties\":false,\"properties\":{\"bind\":{},\"peers\":{}}}", "{\"zzzzz\":1}",
     2, "/zzzzz", "there are: bind, peers"},
    {"{\"additionalProperties\":false}", "{\"a\":1}", 2, "/a", "not known"},
    {"{\"additionalProperties\":false}", "{\"_a\":1,\"// b\":2}", 0, "", NULL},
    {"{\"additionalProperties\":true}", "{\"a\":1}", 0, "", NULL},
    {"{\"additionalProperties\":{\"type\":\"string\"}}", "{\"a\":\"x\",\"b\":2}", 14, "/b",
     "must be a text"},
    {"{\"properties\":{\"l\":{\"items\":{\"minimum\":2,\"maximum\":4}}}}", "{\"l\":[2,4,5]}", 11,
     "/l/2", "must be from 2 to 4"},
    {"{\"properties\":{\"a\":{\"minimum\":2}}}", "{\"a\":1}", 6, "/a", "must be 2 or more"},
    {"{\"properties\":{\"a\":{\"maximum\":2}}}", "{\"a\":2.5}", 6, "/a", "must be 2 or less"},
    {"{\"properties\":{\"a\":{\"maximum\":2}}}", "{\"a\":\"9\"}", 0, "", NULL},
    {"{\"properties\":{\"a\":{\"enum\":[\"off\",\"on\",1]}}}", "{\"a\":\"up\"}", 6, "/a",
     "must be one of \"off\", \"on\", 1"},
    {"{\"properties\":{\"a\":{\"enum\":[\"off\",\"on\",1]}}}", "{\"a\":1}", 0, "", NULL},
    {"{\"properties\":{\"a\":{\"minLength\":1}}}", "{\"a\":\"\"}", 6, "/a", "must not be empty"},
    {"{\"properties\":{\"a\":{\"minLength\":3}}}", "{\"a\":\"\xc3\xa9\xc3\xa9\"}", 6, "/a",
     "has 2 characters; at least 3"},
    {"{\"properties\":{\"a\":{\"maxLength\":2}}}", "{\"a\":\"\xc3\xa9\xc3\xa9\"}", 0, "", NULL},
    {"{\"properties\":{\"a\":{\"maxLength\":2}}}", "{\"a\":\"xyz\"}", 6, "/a",
     "has 3 characters; at most 2"},
    {"{\"properties\":{\"a\":{\"format\":\"ip-port\"}}}", "{\"a\":\"x:1\"}", 6, "/a",
     "must be an address"},
    {"{\"properties\":{\"a~b/c\":{\"format\":\"ipv6\"}}}", "{\"a~b/c\":\"x\"}", 10, "/a~0b~1c",
     "must be an IPv6 address"},
};

static void faults_in_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof value_rows / sizeof value_rows[0]; i++) {
        char pointer[128];
        struct checked c = check(value_rows[i].schema, value_rows[i].value);
        if (c.r.diags.errors != (value_rows[i].part ? 1 : 0)) {
            cjd_diags_print(&c.r.diags, stdout);
            fail_msg("%s against %s: %zu errors", value_rows[i].value, value_rows[i].schema,
                     c.r.diags.errors);
        }
        if (value_rows[i].part) {
            snprintf(pointer, sizeof pointer, "/plugins/0/config%s", value_rows[i].pointer);
            assert_diag(&c.r, CJD_DIAG_ERROR, 3, value_rows[i].column, pointer, value_rows[i].part);
        }
        reading_fini(&c.r);
    }
}

static const char peers_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"bind\"],\"properties\":{"
    "\"bind\":{\"type\":\"string\",\"format\":\"ip-port\"},"
    "\"dscp\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":63,\"default\":0},"
    "\"beacon\":{\"type\":\"object\",\"default\":{},\"properties\":{"
    "\"mode\":{\"enum\":[\"off\",\"on\"],\"default\":\"off\"}}},"
    "\"peers\":{\"type\":\"array\",\"default\":[],\"items\":{\"type\":\"object\","
    "\"required\":[\"password\"],\"properties\":{"
    "\"name\":{\"type\":\"string\",\"default\":\"?\"},\"password\":{\"type\":\"string\"}}}}}}";

static void all_faults_at_once(void **state)
{
    struct checked c = check(peers_schema, "{\"bind\":\"x\",\"dscp\":64,\"beacon\":{\"mode\":1},"
                                           "\"peers\":[{},5,{\"password\":7}],\"biind\":0}");

    (void)state;
    assert_int_equal(c.r.diags.errors, 7);
    find_diag(&c.r, CJD_DIAG_ERROR, "/plugins/0/config/bind", "");
    find_diag(&c.r, CJD_DIAG_ERROR, "/plugins/0/config/dscp", "0 to 63");
    find_diag(&c.r, CJD_DIAG_ERROR, "/plugins/0/config/beacon/mode", "one of");
    find_diag(&c.r, CJD_DIAG_ERROR, "/plugins/0/config/peers/0", "\"password\" is missing");
    find_diag(&c.r, CJD_DIAG_ERROR, "/plugins/0/config/peers/1", "must be an object");
    find_diag(&c.r, CJD_DIAG_ERROR, "/plugins/0/config/peers/2/password", "");
    find_diag(&c.r, CJD_DIAG_ERROR, "/plugins/0/config/biind", "\"bind\"");
    reading_fini(&c.r);
}

static void defaults_are_filled_in(void **state)
{
    struct checked c =
        check(peers_schema, "{\"bind\":\"1.2.3.4:5\",\"peers\":[{\"password\":\"x\"},"
                            "{\"password\":\"y\",\"name\":\"z\"}]}");
    json_t *want =
        json_pack("{sssis{ss}s[{ssss}{ssss}]}", "bind", "1.2.3.4:5", "dscp", 0, "beacon", "mode",
                  "off", "peers", "password", "x", "name", "?", "password", "y", "name", "z");

    (void)state;
    assert_int_equal(c.err, 0);
    assert_true(json_equal(c.plugin.config, want));
    json_decref(want);
    reading_fini(&c.r);
}

/* A value that no file holds is checked as well. */
static void without_a_file(void **state)
{
    struct cjd_schema *schema = compile("{\"properties\":{\"a\":{\"type\":\"string\"}}}");
    json_t *value = json_pack("{si}", "a", 1);
    struct reading r = {0};

    (void)state;
    assert_int_equal(cjd_schema_check(schema, value, NULL, "/base", &r.diags), CJD_ERR_CONFIG);
    assert_diag(&r, CJD_DIAG_ERROR, 0, 0, "/base/a", "must be a text");
    json_decref(value);
    cjd_schema_free(schema);
    reading_fini(&r);
}

/* Keys of any length do not run over the pointer of a message. */
static void long_keys(void **state)
{
    struct cjd_schema *schema =
        compile("{\"additionalProperties\":{\"additionalProperties\":{\"type\":\"null\"}}}");
    char key[3000];
    struct reading r = {0};

    (void)state;
    memset(key, '~', sizeof key);
    for (size_t n = 400; n < sizeof key; n += 37) {
        key[n] = '\0';
        json_t *value = json_pack("{s{si}}", key, key, 1);
        assert_int_equal(cjd_schema_check(schema, value, NULL, "", &r.diags), CJD_ERR_CONFIG);
        json_decref(value);
        key[n] = '~';
    }
    cjd_schema_free(schema);
    reading_fini(&r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_schemas),
        cmocka_unit_test(deep_schemas_are_refused),
        cmocka_unit_test(faults_in_values),
        cmocka_unit_test(all_faults_at_once),
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(without_a_file),
        cmocka_unit_test(long_keys),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
