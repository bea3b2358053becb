#include <fake_host.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void cjd_fake_misuse(const char *format, ...)
{
    va_list args;

    fputs("fake host: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

/* --- log, time, random ------------------------------------------------------------------------ */

static int log_is_on(const struct cjd_host *host, uint32_t level)
{
    return level <= cjd_fake_of(host)->log_level;
}

static void log_write(const struct cjd_host *host, uint32_t level, const char *line)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    if (strchr(line, '\n')) {
        cjd_fake_misuse("a log line contains a newline: %s", line);
    }
    if (fake->log_count >= CJD_FAKE_LOGS) {
        cjd_fake_misuse("more than %u log lines, the last: %s", CJD_FAKE_LOGS, line);
    }
    char *copy = strdup(line);
    if (!copy) {
        cjd_fake_misuse("out of memory");
    }
    fake->logs[fake->log_count++] = (struct cjd_fake_log){.level = level, .line = copy};
}

static uint64_t time_now_ns(const struct cjd_host *host)
{
    return cjd_fake_of(host)->now_ns;
}

static uint64_t time_wall_ms(const struct cjd_host *host, int *plausible)
{
    if (plausible) {
        *plausible = 1;
    }
    return cjd_fake_of(host)->wall_ms;
}

static void random_fill(const struct cjd_host *host, void *buf, size_t n)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);
    uint8_t *out = buf;

    for (size_t i = 0; i < n; i++) {
        fake->random_state = fake->random_state * 6364136223846793005ull + 1442695040888963407ull;
        out[i] = (uint8_t)(fake->random_state >> 56);
    }
}

static const struct cjd_log_service log_service = {
    .size = sizeof log_service, .version = 1, .is_on = log_is_on, .write = log_write};
static const struct cjd_time_service time_service = {
    .size = sizeof time_service, .version = 1, .now_ns = time_now_ns, .wall_ms = time_wall_ms};
static const struct cjd_random_service random_service = {
    .size = sizeof random_service, .version = 1, .fill = random_fill};

/* --- the table of tables ------------------------------------------------------------------------
 */

static const struct {
    const char *id;
    const void *table;
} services[] = {
    {CJD_SERVICE_LOG, &log_service},
    {CJD_SERVICE_TIME, &time_service},
    {CJD_SERVICE_RANDOM, &random_service},
    {CJD_SERVICE_LOOP, &cjd_fake_loop_service},
    {CJD_SERVICE_PACKET, &cjd_fake_packet_service},
    {CJD_SERVICE_RESOLVE, &cjd_fake_resolve_service},
    {CJD_SERVICE_LINK, &cjd_fake_link_service},
    {CJD_SERVICE_PEER, &cjd_fake_peer_service},
    {CJD_SERVICE_BEACON, &cjd_fake_beacon_service},
    {CJD_SERVICE_NETIF, &cjd_fake_netif_service},
    {CJD_SERVICE_FRONTEND, &cjd_fake_frontend_service},
    {CJD_SERVICE_RPC, &cjd_fake_rpc_service},
};

static bool is_hidden(const struct cjd_fake_host *fake, const char *id)
{
    for (size_t i = 0; i < sizeof fake->hidden / sizeof *fake->hidden; i++) {
        if (fake->hidden[i] && strcmp(fake->hidden[i], id) == 0) {
            return true;
        }
    }
    return false;
}

static const void *get(const struct cjd_host *host, const char *id, uint32_t version)
{
    if (version > 1 || is_hidden(cjd_fake_of(host), id)) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (strcmp(services[i].id, id) == 0) {
            return services[i].table;
        }
    }
    return NULL;
}

struct cjd_fake_host *cjd_fake_new(void)
{
    static const struct cjd_addr own = {{0xfc, 0x35, 0x1f, 0x2f, 0xb5, 0x58, 0xee, 0x5c, 0x3e, 0x61,
                                         0x84, 0xe6, 0x75, 0x9a, 0x9f, 0x4e}};
    struct cjd_fake_host *fake = calloc(1, sizeof *fake);

    if (!fake) {
        cjd_fake_misuse("out of memory");
    }
    fake->host = (struct cjd_host){
        .size = sizeof fake->host, .abi_minor = CJD_ABI_MINOR, .get = get, .impl = fake};
    fake->now_ns = 1000000000ull;
    fake->wall_ms = 1700000000000ull;
    fake->random_state = 1;
    fake->log_level = CJD_LEVEL_TRACE;
    fake->packets_limit = UINT32_MAX;
    fake->wish_queues = 1;
    fake->own_addr = own;
    fake->own_beacon.version = 21;
    random_fill(&fake->host, fake->own_beacon.password, sizeof fake->own_beacon.password);
    random_fill(&fake->host, fake->own_beacon.key.b, sizeof fake->own_beacon.key.b);
    return fake;
}

static void free_peers(struct cjd_fake_host *fake)
{
    for (size_t i = 0; i < fake->peer_count; i++) {
        free((char *)(uintptr_t)fake->peers[i].spec.login);
        free((char *)(uintptr_t)fake->peers[i].spec.password);
        free((char *)(uintptr_t)fake->peers[i].spec.name);
    }
}

void cjd_fake_free(struct cjd_fake_host *fake)
{
    if (!fake) {
        return;
    }
    cjd_fake_logs_clear(fake);
    free_peers(fake);
    for (size_t i = 0; i < fake->ask_count; i++) {
        free(fake->asks[i].name);
    }
    for (size_t i = 0; i < fake->link_count; i++) {
        free(fake->links[i].name);
    }
    for (size_t i = 0; i < fake->call_count; i++) {
        free(fake->calls[i]);
    }
    for (size_t i = 0; i < fake->inject_count; i++) {
        free(fake->injects[i].bytes);
    }
    json_decref(fake->answer);
    free(fake);
}

static unsigned leak(unsigned count, const char *what)
{
    if (count > 0) {
        fprintf(stderr, "fake host: left behind: %u %s\n", count, what);
    }
    return count;
}

unsigned cjd_fake_leaks(const struct cjd_fake_host *fake)
{
    unsigned asks = 0;
    unsigned links = 0;

    for (size_t i = 0; i < fake->ask_count; i++) {
        asks += !fake->asks[i].is_over;
    }
    for (size_t i = 0; i < fake->link_count; i++) {
        links += fake->links[i].is_up;
    }
    return leak(fake->packets_out, "packets") + leak(cjd_fake_armed(fake), "armed timers") +
           leak(cjd_fake_watched(fake), "watched descriptors") + leak(asks, "open questions") +
           leak(links, "links") + leak(fake->frontend != NULL, "frontend");
}

void cjd_fake_hide(struct cjd_fake_host *fake, const char *service)
{
    for (size_t i = 0; i < sizeof fake->hidden / sizeof *fake->hidden; i++) {
        if (!fake->hidden[i]) {
            fake->hidden[i] = service;
            return;
        }
    }
    cjd_fake_misuse("too many hidden services");
}

static unsigned count_logs(const struct cjd_fake_host *fake, const uint32_t *level,
                           const char *text)
{
    unsigned n = 0;

    for (size_t i = 0; i < fake->log_count; i++) {
        n += (!level || fake->logs[i].level == *level) && strstr(fake->logs[i].line, text);
    }
    return n;
}

unsigned cjd_fake_logged(const struct cjd_fake_host *fake, uint32_t level, const char *text)
{
    return count_logs(fake, &level, text);
}

unsigned cjd_fake_logged_any(const struct cjd_fake_host *fake, const char *text)
{
    return count_logs(fake, NULL, text);
}

void cjd_fake_logs_clear(struct cjd_fake_host *fake)
{
    for (size_t i = 0; i < fake->log_count; i++) {
        free(fake->logs[i].line);
    }
    fake->log_count = 0;
}
