/*
 * One node and one bare neighbour that has only a link session: it sends whatever frames the test
 * wants and opens what the node sends. And what the machine behind the node gets.
 */
#ifndef NODE_TEST_BOX_H
#define NODE_TEST_BOX_H

#include <testlib/testlib.h>

#include <base/time.h>
#include <node/private.h>

#define BOX_FRAMES   512u
#define BOX_IP6      64u
#define BOX_BYTES    2048u
#define BOX_PASSWORD "a password of the test"

struct box_bytes {
    uint32_t len;
    uint8_t bytes[BOX_BYTES];
};

struct box {
    uint64_t now_ns;
    struct cjd_keypair keys;
    struct test_rng rng_state[2];
    struct cjd_rng rng[2];
    struct cjd_pool *pool;
    struct cjd_node *node;
    struct cjd_ca_node far_node;
    struct cjd_keypair far_keys;
    struct cjd_users *far_users;
    struct cjd_ca far;
    unsigned frames; /* switch frames that reached the neighbour */
    struct box_bytes *frame;
    unsigned packets; /* IPv6 packets for the machine */
    struct box_bytes *packet;
};

/* The link carries CryptoAuth packets of at most link_mtu bytes. */
void box_init(struct box *box, uint32_t link_mtu);
void box_fini(struct box *box);
/* The neighbour is up: session established, version known. It has interface 0, label 0x13. */
void box_establish(struct box *box);
/* Lets the node run for so long; the neighbour answers nothing meanwhile. */
void box_run(struct box *box, uint64_t duration_ns);
/* Forgets frames and packets. */
void box_forget(struct box *box);

/* The neighbour sends a frame. */
void box_send(struct box *box, const uint8_t *frame, uint32_t len);
/* The same in a packet without more headroom than its own bytes (a segment of a larger one). */
void box_send_view(struct box *box, const uint8_t *frame, uint32_t len);
/* A control frame for the router: the label as it arrives; the checksum is made. `body` begins with
 * the type. Returns the length. */
uint32_t box_control(uint8_t out[BOX_BYTES], uint64_t label, bool suppress_errors, uint16_t type,
                     const uint8_t *body, uint32_t len);
/* The control frame of that type among those that reached the neighbour, its switch header in
 * front; NULL: none. */
const struct box_bytes *box_find(const struct box *box, uint16_t type);

/* An IPv6 packet from the machine. */
void box_inject(struct box *box, const uint8_t *packet, uint32_t len);
/* Makes one: next header, payload of `len` bytes whose first is `first`. Returns the length. */
uint32_t box_ip6(const struct box *box, uint8_t out[BOX_BYTES], const struct cjd_addr *to,
                 uint8_t next_header, uint8_t first, uint32_t len);
uint64_t box_dropped(const struct box *box, enum cjd_drop reason);

#endif
