/* A UDP plugin on a fake host, and plain sockets to talk to it. */
#ifndef UDP_FIXTURE_H
#define UDP_FIXTURE_H

#include <testlib/testlib.h>

#include <fake_host.h>
#include <udp.h>

#define KEY_A  "5c6cxwpyltz696pry1hgd67y0xmzq8w3h8d9jp1gqjmlkgwttxd0.k"
#define KEY_B  "zk4wphywp63kqzyux5rnclybs5dsby453qb4jkgpm64d785df6g0.k"
#define SECOND 1000000000ull

/* One peer of a configuration; JSON text. */
#define PEER(address, key, name)                                                                   \
    "{\"address\":\"" address "\",\"publicKey\":\"" key                                            \
    "\",\"password\":\"secret\",\"name\":\"" name "\"}"

struct udp_fixture {
    struct cjd_fake_host *fake;
    struct cjd_udp *udp;
    const struct cjd_plugin_ops *ops;
    struct cjd_plugin_error error;
};

/* Creates an instance; nothing configured. */
struct udp_fixture udp_fixture_new(void);
/* Configures with JSON text; returns what the plugin does. */
int udp_fixture_configure(struct udp_fixture *f, const char *json);
/* configure, acquire, start; fails the test if one of them does. */
void udp_fixture_start(struct udp_fixture *f, const char *json);
/* stop, release, destroy; fails the test if something was left behind. */
void udp_fixture_end(struct udp_fixture *f);
/* The link the plugin brought up. */
struct cjd_fake_link *udp_fixture_link(struct udp_fixture *f);

/* A plain socket on a free port of the loopback address; its address in canonical form. */
int udp_fixture_socket(int family, struct cjd_linkaddr *addr);
/* Sends from a plain socket to the link. */
void udp_fixture_send(int fd, const struct cjd_linkaddr *to, const void *bytes, size_t len);
/* Takes one datagram off a plain socket; −1: there is none. */
ssize_t udp_fixture_take(int fd, void *bytes, size_t cap);
/* A link address of numeric text. */
struct cjd_linkaddr udp_fixture_addr(const char *text);

#endif
