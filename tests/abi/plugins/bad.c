/*
 * Plugins that are wrong in one way each; BAD_… chooses which. Built as a shared object of its own
 * per fault, see ../CMakeLists.txt.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjd/plugin.h>

#ifndef BAD_ID
#define BAD_ID "bad"
#endif

#ifdef BAD_LEAK_PACKET
/* Where the test finds what was leaked, to clean up behind it. */
extern struct cjd_pkt *bad_leaked[3];
CJD_PLUGIN_EXPORT struct cjd_pkt *bad_leaked[3];
#endif

/* Nothing of a plugin may run before its version is known. */
__attribute__((constructor)) static void note_run(void)
{
    setenv("CJD_TEST_PLUGIN_RAN", BAD_ID, 1);
}

struct self {
    const struct cjd_host *host;
    struct cjd_plugin_timer timer;
    int fd;
};

static const struct cjd_loop_service *loop_of(const struct self *self)
{
    return self->host->get(self->host, CJD_SERVICE_LOOP, 1);
}

static int create(const struct cjd_host *host, void **out, struct cjd_plugin_error *error)
{
#ifdef BAD_CREATE
    (void)host;
    (void)out;
    strcpy(error->text, "create says no: give it more memory");
    return CJD_ERR_NO_MEMORY;
#else
    struct self *self = calloc(1, sizeof *self);
    (void)error;
    if (!self) {
        return CJD_ERR_NO_MEMORY;
    }
    self->host = host;
    self->fd = -1;
    *out = self;
    return 0;
#endif
}

static void destroy(void *arg)
{
    struct self *self = arg;

    if (self->fd >= 0) {
        close(self->fd);
    }
    /* A timer left armed lies in here: the host takes it back between stop and destroy. */
    free(self);
}

static int configure(void *self, const json_t *config, struct cjd_plugin_error *error)
{
    (void)self;
    (void)config;
    (void)error;
#ifdef BAD_CONFIGURE
    strcpy(error->pointer, "/number");
    strcpy(error->text, "the number is odd: use an even one");
    return CJD_ERR_CONFIG;
#else
    return 0;
#endif
}

static int acquire(void *self, struct cjd_plugin_error *error)
{
    (void)self;
    (void)error;
#ifdef BAD_ACQUIRE
    strcpy(error->text, "port 4242 is taken by process 17: stop it or choose another port");
    return CJD_ERR_BUSY;
#else
    return 0;
#endif
}

static void release(void *self)
{
    (void)self;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void nothing_fd(void *arg, int fd, uint32_t events)
{
    (void)arg;
    (void)fd;
    (void)events;
}

static int start(void *arg, struct cjd_plugin_error *error)
{
    struct self *self = arg;

    (void)error;
    (void)self;
    (void)nothing;
    (void)nothing_fd;
    (void)loop_of;
#ifdef BAD_START
    strcpy(error->text, "start says no: the device vanished");
    return CJD_ERR_NO_DEVICE;
#endif
#ifdef BAD_LEAK_TIMER
    loop_of(self)->timer_init(self->host, &self->timer, nothing, self);
    loop_of(self)->timer_arm(self->host, &self->timer, 3600ull * 1000000000ull);
#endif
#ifdef BAD_LEAK_WATCH
    struct cjd_fd_watch *watch;
    int fds[2];
    if (pipe(fds) != 0) {
        return CJD_ERR_IO;
    }
    self->fd = fds[0];
    close(fds[1]);
    return loop_of(self)->fd_watch(self->host, &watch, self->fd, CJD_FD_READ, nothing_fd, self);
#endif
#ifdef BAD_LEAK_PACKET
    const struct cjd_packet_service *packet = self->host->get(self->host, CJD_SERVICE_PACKET, 1);
    struct cjd_vec vec = {.size = (uint32_t)sizeof vec, .cap = 3, .v = bad_leaked};
    return packet->alloc(self->host, &vec, 3, 100) == 3 ? 0 : CJD_ERR_NO_MEMORY;
#else
    return 0;
#endif
}

static void stop(void *self)
{
    (void)self;
}

#ifdef BAD_SCHEMA_WORD
#define SCHEMA "{\"type\": \"object\", \"oneOf\": []}"
#elif defined(BAD_SCHEMA_TEXT)
#define SCHEMA "{\"type\": "
#else
#define SCHEMA                                                                                     \
    "{\"type\": \"object\", \"additionalProperties\": false,"                                      \
    " \"properties\": {\"number\": {\"type\": \"integer\", \"default\": 3}}}"
#endif

#ifdef BAD_NEEDS
static const struct cjd_need needs[] = {
    {"cjd.log", 1, 0}, {"cjd.teleport", 1, 1}, {"cjd.loop", 7, 0}, {NULL, 0, 0}};
#endif

#ifdef BAD_MAJOR
#define cjd_plugin_abi1 cjd_plugin_abi2
#endif
#ifdef BAD_NO_SYMBOL
#define cjd_plugin_abi1 something_else
#endif

extern const struct cjd_plugin cjd_plugin_abi1;
CJD_PLUGIN_EXPORT const struct cjd_plugin cjd_plugin_abi1 = {
#ifdef BAD_SIZE
    .size = 16,
#else
    .size = (uint32_t)sizeof(struct cjd_plugin),
#endif
#ifdef BAD_MAJOR_FIELD
    .abi_major = 7,
#else
    .abi_major = CJD_ABI_MAJOR,
#endif
    .abi_minor = CJD_ABI_MINOR,
    .id = BAD_ID,
    .version = "1.0",
    .summary = "wrong on purpose",
    .license = "ISC",
#ifdef BAD_LINK
    .provides = CJD_PROVIDES_LINK,
#endif
#ifdef BAD_NEEDS
    .needs = needs,
#endif
    .config_schema = SCHEMA,
    .ops =
        {
            .size = (uint32_t)sizeof(struct cjd_plugin_ops),
            .create = create,
            .destroy = destroy,
            .configure = configure,
            .acquire = acquire,
            .release = release,
            .start = start,
#ifndef BAD_OPS
            .stop = stop,
#endif
        },
};
#ifdef BAD_OPS
void (*const unused_stop)(void *) = stop;
#endif
