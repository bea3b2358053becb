#include <fake_host.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy) {
        cjd_fake_misuse("out of memory");
    }
    return copy;
}

static int take_err(int *err)
{
    int taken = *err;
    *err = 0;
    return taken;
}

/* --- names --------------------------------------------------------------------------------------
 */

static int resolve_ask(const struct cjd_host *host, struct cjd_resolve_request **out,
                       const char *name, uint32_t family, cjd_resolve_fn fn, void *arg)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);
    int err = take_err(&fake->next_ask_err);

    if (err != 0) {
        return err;
    }
    if (fake->ask_count >= CJD_FAKE_ASKS) {
        cjd_fake_misuse("more than %u names were asked for", CJD_FAKE_ASKS);
    }
    struct cjd_fake_ask *ask = &fake->asks[fake->ask_count++];
    *ask = (struct cjd_fake_ask){
        .name = copy_text(name), .family = family, .fn = fn, .arg = arg, .at_ns = fake->now_ns};
    *out = (struct cjd_resolve_request *)ask;
    return 0;
}

static void resolve_cancel(const struct cjd_host *host, struct cjd_resolve_request *request)
{
    struct cjd_fake_ask *ask = (struct cjd_fake_ask *)request;

    (void)host;
    if (!ask) {
        return;
    }
    if (ask->is_over) {
        cjd_fake_misuse("a question for %s was cancelled after its end", ask->name);
    }
    ask->is_over = true;
    ask->was_cancelled = true;
}

const struct cjd_resolve_service cjd_fake_resolve_service = {.size =
                                                                 sizeof cjd_fake_resolve_service,
                                                             .version = 1,
                                                             .ask = resolve_ask,
                                                             .cancel = resolve_cancel};

struct cjd_fake_ask *cjd_fake_open_ask(struct cjd_fake_host *fake, const char *name)
{
    for (size_t i = 0; i < fake->ask_count; i++) {
        if (!fake->asks[i].is_over && strcmp(fake->asks[i].name, name) == 0) {
            return &fake->asks[i];
        }
    }
    return NULL;
}

unsigned cjd_fake_asked(const struct cjd_fake_host *fake, const char *name)
{
    unsigned n = 0;

    for (size_t i = 0; i < fake->ask_count; i++) {
        n += strcmp(fake->asks[i].name, name) == 0;
    }
    return n;
}

static void answer(struct cjd_fake_host *fake, const char *name,
                   const struct cjd_resolve_answer *what)
{
    struct cjd_fake_ask *ask = cjd_fake_open_ask(fake, name);

    if (!ask) {
        cjd_fake_misuse("nobody asks for %s", name);
    }
    ask->is_over = true;
    ask->fn(ask->arg, what);
    cjd_fake_run(fake);
}

static void add_address(struct cjd_resolve_answer *a, const char *text)
{
    if (a->count >= CJD_RESOLVE_MAX) {
        cjd_fake_misuse("more than %u addresses in one answer", CJD_RESOLVE_MAX);
    }
    a->addr[a->count].family = strchr(text, ':') ? 6 : 4;
    int family = a->addr[a->count].family == 6 ? AF_INET6 : AF_INET;
    if (inet_pton(family, text, a->addr[a->count].b) != 1) {
        cjd_fake_misuse("%s is no address", text);
    }
    a->count++;
}

void cjd_fake_answer(struct cjd_fake_host *fake, const char *name, const char *addresses)
{
    struct cjd_resolve_answer a = {.size = sizeof a, .reason = ""};
    char *list = copy_text(addresses);
    char *rest = NULL;

    for (char *t = strtok_r(list, ",", &rest); t; t = strtok_r(NULL, ",", &rest)) {
        add_address(&a, t);
    }
    answer(fake, name, &a);
    free(list);
}

void cjd_fake_answer_err(struct cjd_fake_host *fake, const char *name, int err, const char *reason)
{
    struct cjd_resolve_answer a = {.size = sizeof a, .err = err, .reason = reason};
    answer(fake, name, &a);
}

/* --- links --------------------------------------------------------------------------------------
 */

static int link_up(const struct cjd_host *host, const char *name, const struct cjd_link_ops *ops,
                   void *link, uint32_t *id)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);
    int err = take_err(&fake->next_link_err);

    if (err != 0) {
        return err;
    }
    if (fake->link_count >= CJD_FAKE_LINKS || strlen(name) > 31) {
        cjd_fake_misuse("too many links, or a name of more than 31 characters: %s", name);
    }
    struct cjd_fake_link *l = &fake->links[fake->link_count];
    *l = (struct cjd_fake_link){.name = copy_text(name), .ops = ops, .link = link};
    struct cjd_link_wish wish = {.size = sizeof wish, .queues = fake->wish_queues};
    l->given.size = sizeof l->given;
    err = ops->open(link, &wish, &l->given);
    if (err == 0) {
        l->is_up = true;
        *id = (uint32_t)fake->link_count++;
    } else {
        free(l->name);
    }
    return err;
}

static struct cjd_fake_link *link_of(struct cjd_fake_host *fake, uint32_t id)
{
    if (id >= fake->link_count || !fake->links[id].is_up) {
        cjd_fake_misuse("there is no link %u", id);
    }
    return &fake->links[id];
}

static void link_down(const struct cjd_host *host, uint32_t id)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    link_of(fake, id)->is_up = false;
    for (size_t i = 0; i < fake->peer_count; i++) {
        fake->peers[i].is_removed |= fake->peers[i].spec.link == id;
    }
}

static void link_queue_wake(const struct cjd_host *host, uint32_t id, uint32_t queue)
{
    struct cjd_fake_link *l = link_of(cjd_fake_of(host), id);

    if (queue >= l->given.queues) {
        cjd_fake_misuse("link %u has no queue %u", id, queue);
    }
    l->wakes++;
}

static void link_set_carrier(const struct cjd_host *host, uint32_t id, int has_carrier)
{
    struct cjd_fake_link *l = link_of(cjd_fake_of(host), id);

    l->carrier_changes += l->has_no_carrier != !has_carrier;
    l->has_no_carrier = !has_carrier;
}

const struct cjd_link_service cjd_fake_link_service = {.size = sizeof cjd_fake_link_service,
                                                       .version = 1,
                                                       .link_up = link_up,
                                                       .link_down = link_down,
                                                       .queue_wake = link_queue_wake,
                                                       .set_carrier = link_set_carrier};

/* --- peers --------------------------------------------------------------------------------------
 */

static bool is_same_addr(const struct cjd_linkaddr *a, const struct cjd_linkaddr *b)
{
    return a->len > 0 && a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

static bool is_taken(const struct cjd_fake_host *fake, const struct cjd_linkaddr *addr,
                     uint32_t link, uint32_t but)
{
    for (size_t i = 0; i < fake->peer_count; i++) {
        const struct cjd_fake_peer *p = &fake->peers[i];
        if (!p->is_removed && p->id != but && p->spec.link == link &&
            is_same_addr(&p->spec.addr, addr)) {
            return true;
        }
    }
    return false;
}

static int peer_add(const struct cjd_host *host, const struct cjd_peer_spec *spec, uint32_t *peer)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);
    int err = take_err(&fake->next_add_err);

    (void)link_of(fake, spec->link);
    if (err == 0 && is_taken(fake, &spec->addr, spec->link, UINT32_MAX)) {
        err = CJD_ERR_EXISTS;
    }
    if (err != 0) {
        return err;
    }
    if (fake->peer_count >= CJD_FAKE_PEERS) {
        cjd_fake_misuse("more than %u peers", CJD_FAKE_PEERS);
    }
    struct cjd_fake_peer *p = &fake->peers[fake->peer_count];
    *p =
        (struct cjd_fake_peer){.id = (uint32_t)fake->peer_count + 100, .spec = *spec, .reason = -1};
    p->spec.login = copy_text(spec->login);
    p->spec.password = copy_text(spec->password);
    p->spec.name = copy_text(spec->name);
    fake->peer_count++;
    *peer = p->id;
    return 0;
}

static struct cjd_fake_peer *peer_of(struct cjd_fake_host *fake, uint32_t id)
{
    if (id < 100 || id - 100 >= fake->peer_count || fake->peers[id - 100].is_removed) {
        return NULL;
    }
    return &fake->peers[id - 100];
}

static int peer_remove(const struct cjd_host *host, uint32_t peer)
{
    struct cjd_fake_peer *p = peer_of(cjd_fake_of(host), peer);

    if (!p) {
        return CJD_ERR_NOT_FOUND;
    }
    cjd_fake_peer_drop(cjd_fake_of(host), p);
    return 0;
}

static int peer_set_addr(const struct cjd_host *host, uint32_t peer,
                         const struct cjd_linkaddr *addr)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);
    struct cjd_fake_peer *p = peer_of(fake, peer);
    int err = take_err(&fake->next_set_addr_err);

    if (!p) {
        return CJD_ERR_NOT_FOUND;
    }
    if (err == 0 && is_taken(fake, addr, p->spec.link, peer)) {
        err = CJD_ERR_EXISTS;
    }
    if (err == 0) {
        p->spec.addr = *addr;
        p->set_addrs++;
    }
    return err;
}

static void peer_set_reason(const struct cjd_host *host, uint32_t peer, int32_t reason)
{
    struct cjd_fake_peer *p = peer_of(cjd_fake_of(host), peer);

    if (!p) {
        cjd_fake_misuse("reason for peer %u, which does not exist", peer);
    }
    p->reason = reason;
    p->reasons++;
}

static int peer_watch(const struct cjd_host *host, cjd_peer_event_fn fn, void *arg)
{
    cjd_fake_of(host)->peer_fn = fn;
    cjd_fake_of(host)->peer_arg = arg;
    return 0;
}

const struct cjd_peer_service cjd_fake_peer_service = {.size = sizeof cjd_fake_peer_service,
                                                       .version = 1,
                                                       .add = peer_add,
                                                       .remove = peer_remove,
                                                       .set_addr = peer_set_addr,
                                                       .set_reason = peer_set_reason,
                                                       .watch = peer_watch};

struct cjd_fake_peer *cjd_fake_peer(struct cjd_fake_host *fake, const char *name)
{
    for (size_t i = 0; i < fake->peer_count; i++) {
        struct cjd_fake_peer *p = &fake->peers[i];
        if (!p->is_removed && p->spec.name && strcmp(p->spec.name, name) == 0) {
            return p;
        }
    }
    return NULL;
}

unsigned cjd_fake_peers(const struct cjd_fake_host *fake)
{
    unsigned n = 0;

    for (size_t i = 0; i < fake->peer_count; i++) {
        n += !fake->peers[i].is_removed;
    }
    return n;
}

static void send_event(struct cjd_fake_host *fake, const struct cjd_peer_event *event)
{
    if (fake->peer_fn) {
        fake->peer_fn(fake->peer_arg, event);
    }
    cjd_fake_run(fake);
}

void cjd_fake_peer_event(struct cjd_fake_host *fake, const struct cjd_fake_peer *peer,
                         int32_t state, int32_t reason)
{
    struct cjd_peer_event event = {.size = sizeof event,
                                   .peer = peer->id,
                                   .link = peer->spec.link,
                                   .state = state,
                                   .reason = reason,
                                   .key = peer->spec.key};
    send_event(fake, &event);
}

void cjd_fake_peer_drop(struct cjd_fake_host *fake, struct cjd_fake_peer *peer)
{
    struct cjd_peer_event event = {.size = sizeof event,
                                   .peer = peer->id,
                                   .link = peer->spec.link,
                                   .removed = 1,
                                   .key = peer->spec.key};
    peer->is_removed = true;
    send_event(fake, &event);
}

/* --- beacons ------------------------------------------------------------------------------------
 */

static int beacon_own(const struct cjd_host *host, struct cjd_beacon *out)
{
    *out = cjd_fake_of(host)->own_beacon;
    return take_err(&cjd_fake_of(host)->next_own_err);
}

static int beacon_heard(const struct cjd_host *host, uint32_t link, const struct cjd_linkaddr *addr,
                        const struct cjd_beacon *beacon)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    (void)link_of(fake, link);
    if (fake->heard_count < CJD_FAKE_HEARD) {
        fake->heard[fake->heard_count] =
            (struct cjd_fake_heard){.link = link, .addr = *addr, .beacon = *beacon};
    }
    fake->heard_count++;
    bool is_own = memcmp(&beacon->key, &fake->own_beacon.key, sizeof beacon->key) == 0;
    return is_own ? CJD_ERR_OWN_KEY : fake->heard_err;
}

const struct cjd_beacon_service cjd_fake_beacon_service = {
    .size = sizeof cjd_fake_beacon_service, .version = 1, .own = beacon_own, .heard = beacon_heard};
