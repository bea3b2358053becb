/*
 * The smallest useful plugin: greets now and then. Copy it and replace what it does.
 *
 *     { "plugin": "hello", "config": { "name": "world", "every": 60 } }
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjd/plugin.h>

#define NS_PER_S 1000000000ull

/* Everything a plugin has hangs on one object, so that it can be loaded twice. */
struct hello {
    const struct cjd_host *host;
    const struct cjd_log_service *log;
    const struct cjd_loop_service *loop;
    char name[64];
    uint64_t every_ns;
    struct cjd_plugin_timer timer;
};

static void greet(void *arg)
{
    struct hello *h = arg;
    char line[96];

    if (h->log->is_on(h->host, CJD_LEVEL_INFO)) {
        snprintf(line, sizeof line, "hello %s", h->name);
        h->log->write(h->host, CJD_LEVEL_INFO, line);
    }
    h->loop->timer_arm(h->host, &h->timer, h->every_ns);
}

static int create(const struct cjd_host *host, void **self, struct cjd_plugin_error *error)
{
    struct hello *h = calloc(1, sizeof *h);

    (void)error;
    if (!h) {
        return CJD_ERR_NO_MEMORY;
    }
    h->host = host;
    /* Both stand in `needs`: the host has made sure that they are there. */
    h->log = host->get(host, CJD_SERVICE_LOG, 1);
    h->loop = host->get(host, CJD_SERVICE_LOOP, 1);
    *self = h;
    return CJD_ERR_OK;
}

static void destroy(void *self)
{
    free(self);
}

/* The schema has been checked and defaults are filled in; only what it cannot say is left. Also
 * called while running, for a reload. */
static int configure(void *self, const json_t *config, struct cjd_plugin_error *error)
{
    struct hello *h = self;
    const char *name = json_string_value(json_object_get(config, "name"));

    if (strchr(name, '\n')) {
        snprintf(error->pointer, sizeof error->pointer, "/name");
        snprintf(error->text, sizeof error->text, "a name is one line: remove the line break");
        return CJD_ERR_CONFIG;
    }
    snprintf(h->name, sizeof h->name, "%s", name);
    h->every_ns = (uint64_t)json_integer_value(json_object_get(config, "every")) * NS_PER_S;
    return CJD_ERR_OK;
}

static int start(void *self, struct cjd_plugin_error *error)
{
    struct hello *h = self;

    (void)error;
    h->loop->timer_init(h->host, &h->timer, greet, h);
    h->loop->timer_arm(h->host, &h->timer, 0);
    return CJD_ERR_OK;
}

/* What start began ends here; the host names what is left behind. */
static void stop(void *self)
{
    struct hello *h = self;

    h->loop->timer_cancel(h->host, &h->timer);
}

static const struct cjd_need needs[] = {
    {CJD_SERVICE_LOG, 1, 0}, {CJD_SERVICE_LOOP, 1, 0}, {NULL, 0, 0}};

static const char schema[] =
    "{ \"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "    \"name\": { \"type\": \"string\", \"minLength\": 1, \"maxLength\": 63,"
    "                \"default\": \"world\", \"description\": \"whom to greet\" },"
    "    \"every\": { \"type\": \"integer\", \"minimum\": 1, \"maximum\": 86400,"
    "                 \"default\": 60, \"description\": \"seconds between greetings\" } } }";

CJD_PLUGIN(.id = "hello", .version = "1.0", .summary = "greets now and then", .license = "ISC",
           .needs = needs, .config_schema = schema,
           .ops = {.size = sizeof(struct cjd_plugin_ops),
                   .create = create,
                   .destroy = destroy,
                   .configure = configure,
                   .start = start,
                   .stop = stop});
