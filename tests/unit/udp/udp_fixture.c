#include "udp_fixture.h"

#include <sys/socket.h>

struct udp_fixture udp_fixture_new(void)
{
    struct udp_fixture f = {
        .fake = cjd_fake_new(), .ops = &cjd_plugin_abi1.ops, .error = {.size = sizeof f.error}};
    void *self = NULL;

    assert_int_equal(f.ops->create(&f.fake->host, &self, &f.error), 0);
    f.udp = self;
    return f;
}

int udp_fixture_configure(struct udp_fixture *f, const char *json)
{
    json_error_t where;
    json_t *config = json_loads(json, 0, &where);

    if (!config) {
        fail_msg("bad JSON in the test, column %d: %s", where.column, json);
    }
    f->error.text[0] = '\0';
    f->error.pointer[0] = '\0';
    int err = f->ops->configure(f->udp, config, &f->error);
    json_decref(config);
    return err;
}

static void want_ok(const struct udp_fixture *f, int err, const char *step)
{
    if (err != 0) {
        fail_msg("%s: %s %s %s", step, cjd_err_text(err), f->error.pointer, f->error.text);
    }
}

void udp_fixture_start(struct udp_fixture *f, const char *json)
{
    want_ok(f, udp_fixture_configure(f, json), "configure");
    want_ok(f, f->ops->acquire(f->udp, &f->error), "acquire");
    want_ok(f, f->ops->start(f->udp, &f->error), "start");
}

void udp_fixture_end(struct udp_fixture *f)
{
    f->ops->stop(f->udp);
    cjd_fake_run(f->fake);
    f->ops->release(f->udp);
    f->ops->destroy(f->udp);
    assert_int_equal(cjd_fake_leaks(f->fake), 0);
    cjd_fake_free(f->fake);
}

struct cjd_fake_link *udp_fixture_link(struct udp_fixture *f)
{
    assert_int_equal(f->fake->link_count, 1);
    return &f->fake->links[0];
}

int udp_fixture_socket(int family, struct cjd_linkaddr *addr)
{
    static const uint8_t ip4[4] = {127, 0, 0, 1};
    static const uint8_t ip6[16] = {[15] = 1};
    socklen_t len = sizeof addr->b;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int bytes = 1024 * 1024;

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
    cjd_udp_addr_make(addr, family, family == AF_INET ? ip4 : ip6, 0, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)addr->b, addr->len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)addr->b, &len), 0);
    assert_true(cjd_udp_addr_canon(addr, len, family));
    return fd;
}

void udp_fixture_send(int fd, const struct cjd_linkaddr *to, const void *bytes, size_t len)
{
    ssize_t n = sendto(fd, bytes, len, 0, (const struct sockaddr *)to->b, to->len);
    assert_int_equal(n, len);
}

ssize_t udp_fixture_take(int fd, void *bytes, size_t cap)
{
    return recv(fd, bytes, cap, MSG_DONTWAIT | MSG_TRUNC);
}

struct cjd_linkaddr udp_fixture_addr(const char *text)
{
    struct cjd_udp_target target;
    struct cjd_linkaddr addr;
    const char *why = "";

    assert_int_equal(cjd_udp_target_parse(&target, text, &why), 0);
    assert_int_not_equal(target.family, AF_UNSPEC);
    cjd_udp_addr_make(&addr, target.family, target.ip, target.port, 0);
    return addr;
}
