/*
 * A plugin that uses every function of every service once, and logs "ok WHAT" for each that did
 * what <cjd/host.h>, <cjd/link.h> and <cjd/upper.h> say. The test waits for these lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjd/link.h>
#include <cjd/plugin.h>
#include <cjd/text.h>
#include <cjd/upper.h>

#define MS 1000000ull

struct self {
    const struct cjd_host *host;
    const struct cjd_log_service *log;
    const struct cjd_time_service *time;
    const struct cjd_random_service *random;
    const struct cjd_loop_service *loop;
    const struct cjd_packet_service *packet;
    const struct cjd_resolve_service *resolve;
    const struct cjd_netif_service *netif;
    const struct cjd_frontend_service *front;
    const struct cjd_link_service *link;
    const struct cjd_peer_service *peer;
    const struct cjd_upper_service *upper;
    int64_t number;
    uint64_t started_ns;
    struct cjd_plugin_timer timer;
    struct cjd_plugin_timer never;
    struct cjd_fd_watch *watch;
    int pipe[2];
    uint32_t link_id;
    uint32_t peer_id;
    uint32_t rx_calls;
    int is_up;
};

static void say(struct self *self, int is_ok, const char *what)
{
    char line[128];

    snprintf(line, sizeof line, "%s %s", is_ok ? "ok" : "FAILED", what);
    self->log->write(self->host, CJD_LEVEL_INFO, line);
}

/* --- loop ---------------------------------------------------------------------------------------
 */

static void on_posted(void *arg)
{
    say(arg, 1, "post");
}

static void thread_main(void *arg)
{
    struct self *self = arg;

    if (self->loop->post(self->host, 0, on_posted, self) != 0) {
        self->log->write(self->host, CJD_LEVEL_ERROR, "FAILED post");
    }
}

static void on_deferred(void *arg)
{
    say(arg, 1, "defer");
}

static void on_timer(void *arg)
{
    struct self *self = arg;

    say(self, self->time->now_ns(self->host) - self->started_ns >= 5 * MS, "timer");
}

static void on_never(void *arg)
{
    say(arg, 0, "a cancelled timer ran");
}

static void on_readable(void *arg, int fd, uint32_t events)
{
    struct self *self = arg;
    char c = 0;

    int is_ok = fd == self->pipe[0] && events == CJD_FD_READ && read(fd, &c, 1) == 1 && c == 'x';
    say(self, is_ok, "fd_watch");
    self->loop->fd_unwatch(self->host, self->watch); /* from its own function */
    self->watch = NULL;
}

static void use_loop(struct self *self)
{
    self->loop->timer_init(self->host, &self->timer, on_timer, self);
    self->loop->timer_init(self->host, &self->never, on_never, self);
    self->loop->timer_arm(self->host, &self->never, 0);
    self->loop->timer_arm(self->host, &self->timer, 3600000 * MS);
    self->loop->timer_arm(self->host, &self->timer, 5 * MS); /* moves it */
    self->loop->timer_cancel(self->host, &self->never);
    self->loop->timer_cancel(self->host, &self->never);
    say(self, self->loop->defer(self->host, on_deferred, self) == 0, "defer accepted");
    say(self,
        pipe(self->pipe) == 0 &&
            self->loop->fd_watch(self->host, &self->watch, self->pipe[0], CJD_FD_READ, on_readable,
                                 self) == 0 &&
            write(self->pipe[1], "x", 1) == 1,
        "fd_watch accepted");
}

/* --- small ones ---------------------------------------------------------------------------------
 */

static void use_small(struct self *self)
{
    uint8_t random[32] = {0};
    uint8_t zero[32] = {0};
    int plausible = -1;
    uint64_t wall = self->time->wall_ms(self->host, &plausible);

    say(self, self->log->is_on(self->host, CJD_LEVEL_INFO) == 1, "log on");
    say(self, self->log->is_on(self->host, CJD_LEVEL_TRACE) == 0, "log off");
    say(self, wall > 0 && (plausible == 0 || plausible == 1), "wall clock");
    self->random->fill(self->host, random, sizeof random);
    say(self, memcmp(random, zero, sizeof zero) != 0, "random");
    say(self, !self->host->get(self->host, "cjd.nothing", 1), "unknown service");
    say(self, !self->host->get(self->host, CJD_SERVICE_LOG, 2), "service too new");
}

static void use_packets(struct self *self)
{
    CJD_VEC_LOCAL(vec, 4);
    int is_ok = self->packet->alloc(self->host, &vec, 3, 2000) == 3 && vec.n == 3;

    is_ok = is_ok && self->packet->alloc(self->host, &vec, 3, 60000) == 1 && vec.n == 4;
    for (uint32_t i = 0; is_ok && i < vec.n; i++) {
        is_ok = cjd_pkt_headroom(vec.v[i]) >= CJD_PKT_HEADROOM && vec.v[i]->len == 0 &&
                cjd_pkt_put(vec.v[i], 2000);
    }
    self->packet->free(self->host, &vec);
    say(self, is_ok && vec.n == 0, "packets");
}

static void use_netif(struct self *self)
{
    struct cjd_netif_state state = {.size = sizeof state};
    struct cjd_addr localhost = {.b = {[15] = 1}};
    struct cjd_addr other = {.b = {0xfc, 1}};

    say(self,
        self->netif->state(self->host, "lo", &state) == 0 && state.index > 0 && state.mtu >= 1280,
        "netif state");
    say(self, self->netif->state(self->host, "nosuch0", &state) == CJD_ERR_NO_DEVICE,
        "netif no device");
    say(self, self->netif->has_addr(self->host, "lo", &other, 8) == 0, "netif has no address");
    (void)self->netif->has_addr(self->host, "lo", &localhost, 128); /* not on every machine */
    say(self,
        self->netif->addr_add(self->host, "nosuch0", &other, 8) == CJD_ERR_NO_DEVICE &&
            self->netif->mtu_set(self->host, "nosuch0", 1304) == CJD_ERR_NO_DEVICE &&
            self->netif->up(self->host, "nosuch0") == CJD_ERR_NO_DEVICE,
        "netif changes need a device");
}

/* --- resolve ------------------------------------------------------------------------------------
 */

static void on_v4(void *arg, const struct cjd_resolve_answer *a)
{
    static const uint8_t want[4] = {192, 0, 2, 7};

    say(arg,
        a->err == 0 && a->count == 1 && a->addr[0].family == 4 &&
            memcmp(a->addr[0].b, want, 4) == 0,
        "resolve 192.0.2.7");
}

static void on_v6(void *arg, const struct cjd_resolve_answer *a)
{
    say(arg, a->err == 0 && a->count == 1 && a->addr[0].family == 6 && a->addr[0].b[0] == 0x20,
        "resolve 2001:db8::1");
}

static void on_other_family(void *arg, const struct cjd_resolve_answer *a)
{
    say(arg, a->err == CJD_ERR_NOT_FOUND && a->count == 0 && a->reason[0] != '\0',
        "resolve other family");
}

static void on_localhost(void *arg, const struct cjd_resolve_answer *a)
{
    static const uint8_t want[4] = {127, 0, 0, 1};

    say(arg,
        a->err == 0 && a->count >= 1 && a->addr[0].family == 4 &&
            memcmp(a->addr[0].b, want, 4) == 0,
        "resolve localhost");
}

static void on_cancelled(void *arg, const struct cjd_resolve_answer *a)
{
    (void)a;
    say(arg, 0, "a cancelled request was answered");
}

static void use_resolve(struct self *self)
{
    const struct cjd_resolve_service *r = self->resolve;
    struct cjd_resolve_request *q;
    struct cjd_resolve_request *gone;
    int err = r->ask(self->host, &q, "192.0.2.7", 0, on_v4, self);

    err |= r->ask(self->host, &q, "2001:db8::1", 0, on_v6, self);
    err |= r->ask(self->host, &q, "2001:db8::1", 4, on_other_family, self);
    err |= r->ask(self->host, &q, "localhost", 4, on_localhost, self);
    err |= r->ask(self->host, &gone, "gone.example.invalid", 0, on_cancelled, self);
    r->cancel(self->host, gone);
    err |= r->ask(self->host, &gone, "192.0.2.8", 0, on_cancelled, self);
    r->cancel(self->host, gone);
    r->cancel(self->host, NULL);
    say(self, err == 0 && r->ask(self->host, &q, "", 0, on_v4, self) == CJD_ERR_INVALID,
        "resolve accepted");
}

/* --- links and peers ----------------------------------------------------------------------------
 */

static int link_open(void *arg, const struct cjd_link_wish *wish, struct cjd_link_given *given)
{
    say(arg, wish->queues >= 1, "link open");
    given->queues = 1;
    given->mtu = 1400;
    return 0;
}

static int link_rx(void *arg, uint32_t queue, struct cjd_vec *vec)
{
    struct self *self = arg;

    self->rx_calls++;
    if (queue != 0 || self->rx_calls > 1) {
        return 0;
    }
    uint32_t n = self->packet->alloc(self->host, vec, 2, 200);
    for (uint32_t i = 0; i < n; i++) {
        cjd_pkt_put(vec->v[i], 40);
        memset(cjd_pkt_data(vec->v[i]), 0xff, 40);
        vec->v[i]->addr.len = 4;
    }
    say(self, n == 2, "link rx");
    return (int)n;
}

static void link_tx(void *arg, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    struct self *self = arg;

    (void)queue;
    (void)flags;
    say(self, vec->n > 0 && vec->v[0]->len >= 120 && vec->v[0]->addr.len == 4, "link tx");
    /* From here the node cannot be called: it is put off. */
    self->peer->set_reason(self->host, self->peer_id, CJD_PEER_REASON_SEND);
    self->packet->free(self->host, vec);
}

static void link_flush(void *arg, uint32_t queue)
{
    (void)arg;
    (void)queue;
}

static int link_queue_fd(void *arg, uint32_t queue)
{
    (void)arg;
    (void)queue;
    return -1;
}

static int link_addr_text(void *arg, const struct cjd_linkaddr *addr, char *out, size_t cap)
{
    (void)arg;
    (void)addr;
    return snprintf(out, cap, "there");
}

static const struct cjd_link_ops link_ops = {.size = sizeof(struct cjd_link_ops),
                                             .open = link_open,
                                             .rx = link_rx,
                                             .tx = link_tx,
                                             .flush = link_flush,
                                             .queue_fd = link_queue_fd,
                                             .addr_text = link_addr_text};

static void on_peer(void *arg, const struct cjd_peer_event *event)
{
    struct self *self = arg;

    if (event->peer != self->peer_id || event->link != self->link_id) {
        say(self, 0, "event of a peer that is not ours");
    } else if (event->removed) {
        say(self, 1, "peer removed");
    } else if (event->reason == CJD_PEER_REASON_SEND) {
        say(self, 1, "peer reason from tx");
        /* Events come when the node may be called again. */
        say(self, self->peer->remove(self->host, self->peer_id) == 0, "peer remove");
    }
}

static void use_links(struct self *self)
{
    struct cjd_peer_spec spec = {
        .size = sizeof spec, .login = "me", .password = "secret", .name = "far"};
    struct cjd_linkaddr addr = {.b = {1, 2, 3, 4}, .len = 4};
    uint32_t other;

    say(self, self->link->link_up(self->host, "test link", &link_ops, self, &self->link_id) == 0,
        "link up");
    self->is_up = 1;
    spec.link = self->link_id;
    int err =
        cjd_key_from_text(&spec.key, "zk4wphywp63kqzyux5rnclybs5dsby453qb4jkgpm64d785df6g0.k");
    say(self, err == 0 && self->peer->watch(self->host, on_peer, self) == 0, "peer watch");
    say(self, self->peer->add(self->host, &spec, &self->peer_id) == 0, "peer add");
    self->peer->set_reason(self->host, self->peer_id, CJD_PEER_REASON_NO_ADDRESS);
    say(self, self->peer->set_addr(self->host, self->peer_id, &addr) == 0, "peer set_addr");
    spec.link = 63;
    say(self, self->peer->add(self->host, &spec, &other) < 0, "peer on a link of nobody");
    say(self, self->peer->remove(self->host, 4711) < 0, "peer of nobody");
    self->link->queue_wake(self->host, self->link_id, 0);
}

/* --- frontend and content -----------------------------------------------------------------------
 */

static void deliver(void *arg, struct cjd_vec *vec)
{
    struct self *self = arg;

    say(self, vec->n == 1 && vec->v[0]->len == 48, "deliver");
    self->packet->free(self->host, vec);
}

static const struct cjd_frontend_ops front_ops = {.size = sizeof(struct cjd_frontend_ops),
                                                  .deliver = deliver};

/* A packet to ourselves comes back at once. */
static void use_frontend(struct self *self)
{
    struct cjd_addr own;
    CJD_VEC_LOCAL(vec, 1);

    self->front->own_addr(self->host, &own);
    say(self, own.b[0] == 0xfc, "own address");
    say(self,
        self->front->attach(self->host, &front_ops, self, "none", 1304) == 0 &&
            self->front->attach(self->host, &front_ops, self, "none", 1304) == CJD_ERR_EXISTS,
        "attach");
    if (self->packet->alloc(self->host, &vec, 1, 48) == 1 && cjd_pkt_put(vec.v[0], 48)) {
        uint8_t *h = cjd_pkt_data(vec.v[0]);
        memset(h, 0, 48);
        h[0] = 0x60;
        h[5] = 8;
        h[6] = 59;
        memcpy(h + 8, &own, 16);
        memcpy(h + 24, &own, 16);
        self->front->inject(self->host, &vec);
        say(self, vec.n == 0, "inject");
    }
}

static void on_content(void *arg, const struct cjd_upper_source *from, struct cjd_pkt *pkt)
{
    struct self *self = arg;
    CJD_VEC_LOCAL(vec, 1);

    (void)from;
    cjd_vec_add(&vec, pkt);
    self->packet->free(self->host, &vec);
    say(self, 0, "content nobody sent");
}

static void use_upper(struct self *self)
{
    struct cjd_addr far = {.b = {0xfc, 0xcb, 0x61, 0xe1}};
    CJD_VEC_LOCAL(vec, 1);
    const struct cjd_upper_service *u = self->upper;

    say(self,
        u->type_register(self->host, 300, 302, on_content, self) == 0 &&
            u->type_register(self->host, 302, 303, on_content, self) == CJD_ERR_EXISTS &&
            u->type_register(self->host, 256, 257, on_content, self) == CJD_ERR_INVALID,
        "type register");
    if (self->packet->alloc(self->host, &vec, 1, 100) == 1 && cjd_pkt_put(vec.v[0], 100)) {
        memset(cjd_pkt_data(vec.v[0]), 0, 100);
        int err = u->send(self->host, &far, 300, &vec, CJD_UPPER_NO_WAIT);
        say(self, vec.n == 0 && err <= 0, "send consumes");
    }
}

/* --- life cycle ---------------------------------------------------------------------------------
 */

static int create(const struct cjd_host *host, void **out, struct cjd_plugin_error *error)
{
    struct self *self = calloc(1, sizeof *self);

    (void)error;
    if (!self) {
        return CJD_ERR_NO_MEMORY;
    }
    self->host = host;
    self->pipe[0] = self->pipe[1] = -1;
    self->log = host->get(host, CJD_SERVICE_LOG, 1);
    self->time = host->get(host, CJD_SERVICE_TIME, 1);
    self->random = host->get(host, CJD_SERVICE_RANDOM, 1);
    self->loop = host->get(host, CJD_SERVICE_LOOP, 1);
    self->packet = host->get(host, CJD_SERVICE_PACKET, 1);
    self->resolve = host->get(host, CJD_SERVICE_RESOLVE, 1);
    self->netif = host->get(host, CJD_SERVICE_NETIF, 1);
    self->front = host->get(host, CJD_SERVICE_FRONTEND, 1);
    self->link = host->get(host, CJD_SERVICE_LINK, 1);
    self->peer = host->get(host, CJD_SERVICE_PEER, 1);
    self->upper = host->get(host, CJD_SERVICE_UPPER, 1);
    *out = self;
    say(self, 1, "create");
    return 0;
}

static void destroy(void *arg)
{
    struct self *self = arg;

    say(self, 1, "destroy");
    free(self);
}

static int configure(void *arg, const json_t *config, struct cjd_plugin_error *error)
{
    struct self *self = arg;
    int64_t number = json_integer_value(json_object_get(config, "number"));

    if (number % 2 != 0) {
        snprintf(error->pointer, sizeof error->pointer, "/number");
        snprintf(error->text, sizeof error->text, "the number is odd: use an even one");
        return CJD_ERR_CONFIG;
    }
    if (number == 1000) {
        return CJD_ERR_RESTART_NEEDED;
    }
    self->number = number;
    char line[64];
    snprintf(line, sizeof line, "number %lld", (long long)number);
    self->log->write(self->host, CJD_LEVEL_INFO, line);
    return 0;
}

static int acquire(void *arg, struct cjd_plugin_error *error)
{
    struct self *self = arg;

    (void)error;
    say(self, self->loop->thread_spawn(self->host, thread_main, self) == 0, "acquire");
    return 0;
}

static void release(void *arg)
{
    say(arg, 1, "release");
}

static int start(void *arg, struct cjd_plugin_error *error)
{
    struct self *self = arg;

    (void)error;
    self->started_ns = self->time->now_ns(self->host);
    use_small(self);
    use_packets(self);
    use_netif(self);
    use_loop(self);
    use_resolve(self);
    use_frontend(self);
    use_upper(self);
    use_links(self);
    say(self, 1, "start");
    return 0;
}

static void stop(void *arg)
{
    struct self *self = arg;

    self->link->link_down(self->host, self->link_id);
    self->front->detach(self->host);
    self->loop->fd_unwatch(self->host, self->watch);
    self->loop->timer_cancel(self->host, &self->timer);
    close(self->pipe[0]);
    close(self->pipe[1]);
    say(self, 1, "stop");
}

static const struct cjd_need needs[] = {
    {CJD_SERVICE_LOG, 1, 0}, {CJD_SERVICE_LOOP, 1, 0}, {"cjd.x-not-there", 1, 1}, {NULL, 0, 0}};

CJD_PLUGIN(.id = "good", .version = "1.0", .summary = "uses every service", .license = "ISC",
           .provides = CJD_PROVIDES_LINK, .needs = needs,
           .config_schema = "{\"type\": \"object\", \"additionalProperties\": false,"
                            " \"properties\": {\"number\": {\"type\": \"integer\","
                            " \"default\": 4, \"minimum\": 0}}}",
           .ops = {.size = sizeof(struct cjd_plugin_ops),
                   .create = create,
                   .destroy = destroy,
                   .configure = configure,
                   .acquire = acquire,
                   .release = release,
                   .start = start,
                   .stop = stop});
