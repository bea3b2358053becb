/*
 * cjd.resolve: host names to addresses by the system's resolvers, never blocking.
 *
 * evdns reads /etc/resolv.conf and /etc/hosts; both are read again when they changed, so that a
 * node that started before its network has name servers finds them. Name servers within this
 * network are left out. Numeric names are answered without asking. An answer always comes from the
 * loop, by a timer of the request:
 *
 *     timer: the answer is ready (0), or nobody answered in time (ASK_TIMEOUT)
 */
#include <runtime/owner.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <event2/dns.h>
#include <event2/util.h>

#include <runtime/private.h>

#define ASK_TIMEOUT (20 * CJD_S)
/* How often the system's files are looked at. */
#define CHECK_EVERY    (2 * CJD_S)
#define NAME_MAX_BYTES 253u
#define SERVERS_MAX    8u

static const char *const resolv_conf = "/etc/resolv.conf";
static const char *const hosts_file = "/etc/hosts";

/* What tells one version of a file from the next. */
struct stamp {
    struct timespec mtime;
    off_t bytes;
    ino_t inode;
};

struct resolver {
    struct cjd_runtime *rt;
    struct evdns_base *dns;
    struct stamp conf;
    struct stamp hosts;
    uint64_t checked_ns;
};

struct cjd_resolve_request {
    struct cjd_resolve_request *next;
    struct cjd_resolve_request **link;
    struct cjd_owner *owner;
    cjd_resolve_fn fn;
    void *arg;
    struct cjd_timer timer;
    struct evdns_getaddrinfo_request *dns; /* NULL: not asking (any more) */
    bool is_answered;
    bool is_dropped; /* cancelled while evdns still has it: its callback frees it */
    struct cjd_resolve_answer answer;
};

/* --- the system's files -------------------------------------------------------------------------
 */

static struct stamp stamp_of(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return (struct stamp){0};
    }
    return (struct stamp){.mtime = st.st_mtim, .bytes = st.st_size, .inode = st.st_ino};
}

static bool has_changed(struct stamp *old, const char *path)
{
    struct stamp now = stamp_of(path);
    bool is_same = now.mtime.tv_sec == old->mtime.tv_sec &&
                   now.mtime.tv_nsec == old->mtime.tv_nsec && now.bytes == old->bytes &&
                   now.inode == old->inode;

    /* A file that is out of reach (chroot, being replaced) leaves what was read from it. */
    if (is_same || now.inode == 0) {
        return false;
    }
    *old = now;
    return true;
}

/* One within this network (fc00::/8) cannot help to build its links, and would be asked over them:
 * a circle that hangs for as long as it is closed. True: it is used. */
static bool add_server(struct resolver *r, const char *text)
{
    struct sockaddr_storage ss = {0};
    struct sockaddr_in6 in6;
    int len = sizeof ss;

    if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&ss, &len) != 0) {
        return false;
    }
    memcpy(&in6, &ss, sizeof in6);
    if (ss.ss_family == AF_INET6 && in6.sin6_addr.s6_addr[0] == 0xfc) {
        cjd_log(&r->rt->log, CJD_LOG_WARN,
                "name server %s is left out: it is in the network that names are asked for", text);
        return false;
    }
    return evdns_base_nameserver_ip_add(r->dns, text) == 0;
}

/* The word behind "nameserver" at the front of a line, or NULL. */
static char *server_in(char *line)
{
    static const char keyword[] = "nameserver";
    char *at = line + strspn(line, " \t");

    if (strncmp(at, keyword, sizeof keyword - 1) != 0) {
        return NULL;
    }
    at += sizeof keyword - 1;
    char *word = at + strspn(at, " \t");
    word[strcspn(word, " \t\r\n")] = '\0';
    return word > at && word[0] != '\0' ? word : NULL;
}

/* Without any the machine's own is meant (resolv.conf(5)). Returns how many are used. */
static unsigned read_servers(struct resolver *r)
{
    FILE *file = fopen(resolv_conf, "re");
    char line[256];
    bool has_some = false;
    unsigned n = 0;

    while (file && n < SERVERS_MAX && fgets(line, sizeof line, file)) {
        const char *server = server_in(line);
        has_some = has_some || server;
        n += server && add_server(r, server);
    }
    if (file) {
        fclose(file);
    }
    return has_some ? n : add_server(r, "127.0.0.1");
}

static void read_conf(struct resolver *r)
{
    int err =
        evdns_base_resolv_conf_parse(r->dns, DNS_OPTION_SEARCH | DNS_OPTION_MISC, resolv_conf);

    if (read_servers(r) == 0) {
        cjd_log(&r->rt->log, CJD_LOG_WARN, "%s names no usable name server code=%d", resolv_conf,
                err);
    }
    evdns_base_set_option(r->dns, "timeout:", "3");
    evdns_base_set_option(r->dns, "attempts:", "3");
}

static void read_hosts(struct resolver *r)
{
    evdns_base_clear_host_addresses(r->dns);
    if (evdns_base_load_hosts(r->dns, hosts_file) != 0) {
        cjd_log(&r->rt->log, CJD_LOG_DEBUG, "no %s", hosts_file);
    }
}

static void refresh(struct resolver *r, uint64_t now_ns)
{
    if (now_ns - r->checked_ns < CHECK_EVERY) {
        return;
    }
    r->checked_ns = now_ns;
    if (has_changed(&r->conf, resolv_conf)) {
        evdns_base_clear_nameservers_and_suspend(r->dns);
        read_conf(r);
        evdns_base_resume(r->dns);
    }
    if (has_changed(&r->hosts, hosts_file)) {
        read_hosts(r);
    }
}

int cjd_resolver_new(struct resolver **out, struct cjd_runtime *rt)
{
    struct resolver *r = calloc(1, sizeof *r);

    *out = r;
    if (!r) {
        return CJD_ERR_NO_MEMORY;
    }
    r->rt = rt;
    /* Idle sockets do not keep the loop from ending. */
    r->dns = evdns_base_new(rt->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (!r->dns) {
        return CJD_ERR_NO_MEMORY;
    }
    r->conf = stamp_of(resolv_conf);
    r->hosts = stamp_of(hosts_file);
    read_conf(r);
    read_hosts(r);
    r->checked_ns = cjd_clock_now();
    return 0;
}

void cjd_resolver_free(struct resolver *r)
{
    if (!r) {
        return;
    }
    if (r->dns) {
        /* All questions are cancelled by now. evdns tells each of them from the loop, and looks at
         * its base once more when it does. */
        event_base_loop(r->rt->base, EVLOOP_NONBLOCK);
        evdns_base_free(r->dns, 1);
    }
    free(r);
}

/* --- answers ------------------------------------------------------------------------------------
 */

static void add_address(struct cjd_resolve_answer *a, const struct sockaddr *sa)
{
    if (a->count >= CJD_RESOLVE_MAX) {
        return;
    }
    if (sa->sa_family == AF_INET) {
        a->addr[a->count].family = 4;
        memcpy(a->addr[a->count].b, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
        a->count++;
    } else if (sa->sa_family == AF_INET6) {
        a->addr[a->count].family = 6;
        memcpy(a->addr[a->count].b, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
               16);
        a->count++;
    }
}

static void fail(struct cjd_resolve_answer *a, int eai)
{
    switch (eai) {
    case EVUTIL_EAI_NONAME:
    case EVUTIL_EAI_NODATA:
        a->err = CJD_ERR_NOT_FOUND;
        a->reason = "no such name: check its spelling";
        break;
    case EVUTIL_EAI_AGAIN:
        a->err = CJD_ERR_TIMEOUT;
        a->reason = "the system's name servers do not answer";
        break;
    case EVUTIL_EAI_MEMORY:
        a->err = CJD_ERR_NO_MEMORY;
        a->reason = "out of memory";
        break;
    default:
        a->err = CJD_ERR_IO;
        a->reason = "the system's name servers refuse or cannot be reached";
        break;
    }
}

/* From the loop: tells the owner, who may ask again at once. */
static void on_due(void *arg, uint64_t now_ns)
{
    struct cjd_resolve_request *q = arg;
    struct cjd_resolve_answer answer;

    (void)now_ns;
    if (!q->is_answered) {
        q->answer.err = CJD_ERR_TIMEOUT;
        q->answer.reason = "no answer in time from the system's name servers";
    }
    answer = q->answer;
    cjd_resolve_fn fn = q->fn;
    void *fn_arg = q->arg;
    cjd_owner_resolve_cancel(q->owner, q);
    fn(fn_arg, &answer);
}

static void finish(struct cjd_resolve_request *q)
{
    struct cjd_runtime *rt = q->owner->rt;

    q->is_answered = true;
    cjd_timer_arm(&rt->timers, &q->timer, cjd_runtime_now(rt));
}

static void on_answer(int result, struct evutil_addrinfo *list, void *arg)
{
    struct cjd_resolve_request *q = arg;

    q->dns = NULL;
    if (q->is_dropped) {
        free(q);
    } else {
        for (const struct evutil_addrinfo *ai = list; ai; ai = ai->ai_next) {
            add_address(&q->answer, ai->ai_addr);
        }
        if (result != 0 || q->answer.count == 0) {
            fail(&q->answer, result != 0 ? result : EVUTIL_EAI_NODATA);
        }
        finish(q);
    }
    if (list) {
        evutil_freeaddrinfo(list);
    }
}

/* True: the name is an address; whether it is of the wanted family shows in the answer. */
static bool answer_numeric(struct cjd_resolve_request *q, const char *name, uint32_t family)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool is_v4 = inet_pton(AF_INET, name, &v4.sin_addr) == 1;
    bool is_v6 = inet_pton(AF_INET6, name, &v6.sin6_addr) == 1;

    if (!is_v4 && !is_v6) {
        return false;
    }
    if (is_v4 && family != 6) {
        add_address(&q->answer, (const struct sockaddr *)&v4);
    } else if (is_v6 && family != 4) {
        add_address(&q->answer, (const struct sockaddr *)&v6);
    } else {
        q->answer.err = CJD_ERR_NOT_FOUND;
        q->answer.reason = "an address of the other family";
    }
    finish(q);
    return true;
}

/* --- asking -------------------------------------------------------------------------------------
 */

static int family_hint(uint32_t family)
{
    switch (family) {
    case 4:
        return AF_INET;
    case 6:
        return AF_INET6;
    default:
        return AF_UNSPEC;
    }
}

static void ask_system(struct resolver *r, struct cjd_resolve_request *q, const char *name,
                       uint32_t family)
{
    struct evutil_addrinfo hints = {
        .ai_family = family_hint(family), .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_UDP};

    refresh(r, cjd_runtime_now(r->rt));
    cjd_timer_arm(&r->rt->timers, &q->timer, cjd_runtime_now(r->rt) + ASK_TIMEOUT);
    struct evdns_getaddrinfo_request *dns =
        evdns_getaddrinfo(r->dns, name, NULL, &hints, on_answer, q);
    if (!q->is_answered) {
        q->dns = dns; /* else on_answer() was called already */
    }
}

int cjd_owner_resolve(struct cjd_owner *owner, struct cjd_resolve_request **out, const char *name,
                      uint32_t family, cjd_resolve_fn fn, void *arg)
{
    size_t len = strlen(name);

    *out = NULL;
    if (len == 0 || len > NAME_MAX_BYTES || !fn || (family != 0 && family != 4 && family != 6)) {
        return CJD_ERR_INVALID;
    }
    struct cjd_resolve_request *q = calloc(1, sizeof *q);
    if (!q) {
        return CJD_ERR_NO_MEMORY;
    }
    q->owner = owner;
    q->fn = fn;
    q->arg = arg;
    q->answer.size = sizeof q->answer;
    q->answer.reason = "";
    cjd_timer_init(&q->timer, on_due, q);
    q->next = owner->requests;
    q->link = &owner->requests;
    if (q->next) {
        q->next->link = &q->next;
    }
    owner->requests = q;
    *out = q;
    if (!answer_numeric(q, name, family)) {
        ask_system(owner->rt->resolver, q, name, family);
    }
    return 0;
}

void cjd_owner_resolve_cancel(struct cjd_owner *owner, struct cjd_resolve_request *q)
{
    if (!q) {
        return;
    }
    cjd_timer_cancel(&owner->rt->timers, &q->timer);
    *q->link = q->next;
    if (q->next) {
        q->next->link = q->link;
    }
    if (q->dns) {
        q->is_dropped = true;
        evdns_getaddrinfo_cancel(q->dns); /* calls on_answer(), later */
    } else {
        free(q);
    }
}

uint32_t cjd_resolve_undo(struct cjd_owner *owner)
{
    uint32_t n = 0;

    for (struct cjd_resolve_request *q = owner->requests, *next; q; q = next) {
        next = q->next;
        cjd_owner_resolve_cancel(owner, q);
        n++;
    }
    return n;
}
