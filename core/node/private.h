/*
 * What the files of this room share. node.c: life and entry points; glue.c: what the rooms tell
 * each other; ping.c: pings an operator asked for; frame.c: switching; control.c: control frames;
 * upper.c: user packets; icmp6.c: errors to the machine.
 */
#ifndef CJD_NODE_PRIVATE_H
#define CJD_NODE_PRIVATE_H

#include <base/bucket.h>
#include <node/node.h>
#include <switch/ctrl.h>

#define BATCH        64u
#define KEYPINGS     16u
#define COOKIE_BYTES 8u
#define TYPES        65536u
#define PINGS        64u

struct keyping {
    uint8_t cookie[COOKIE_BYTES];
    uint64_t label;
    uint64_t sent_ns; /* 0: free */
};

struct ping {
    struct cjd_node *node;
    struct cjd_timer timer;
    struct cjd_node_ping asked;
    uint8_t cookie[COOKIE_BYTES];
    uint64_t sent_ns;
    int number; /* 0: free */
};

struct cjd_node {
    struct cjd_node_config config;
    struct cjd_keypair self;
    struct cjd_ca_node ca;
    struct cjd_users *users;
    struct cjd_switch sw;
    struct cjd_links *links;
    struct cjd_sessions *sessions;
    struct cjd_dht *dht;
    struct cjd_timers timers;
    struct cjd_drops drops;
    struct cjd_log log;
    struct cjd_bucket answers; /* control frames answered */
    struct cjd_bucket errors;  /* switch errors believed */
    struct cjd_bucket icmp;
    struct keyping keyping[KEYPINGS];
    uint32_t next_keyping;
    struct ping pings[PINGS];
    int last_ping;
    /* Frames for the own router that came from it: handled after the call that made them, so that
     * no room is entered twice. */
    struct cjd_pkt *self_array[BATCH];
    struct cjd_vec self_queue;
    struct cjd_pkt *up_array[BATCH];
    struct cjd_vec up; /* IPv6 packets for the machine */
    uint8_t types[TYPES / 8];
    bool has_beacon;
    uint8_t beacon_password[CJD_NODE_BEACON_PASSWORD]; /* of this run */
};

/* node.c */
void node_drop(struct cjd_node *node, struct cjd_pkt *pkt, enum cjd_drop reason);

/* glue.c */
int glue_links(struct cjd_node *node, uint64_t now_ns);
int glue_sessions(struct cjd_node *node, uint64_t now_ns);
int glue_dht(struct cjd_node *node, uint64_t now_ns);

/* frame.c: a frame from interface `source` goes where its label says; consumes it. */
void frame_switch(struct cjd_node *node, uint32_t source, struct cjd_pkt *pkt, uint64_t now_ns);
/* Handles what waits in self_queue, a bounded number. */
void frame_drain(struct cjd_node *node, uint64_t now_ns);

/* control.c: a control frame for this router, switch header in front; consumes it. */
void control_rx(struct cjd_node *node, struct cjd_pkt *pkt, uint64_t now_ns);
void control_keyping(struct cjd_node *node, uint64_t label, uint64_t now_ns);

/* ping.c: an answer (PONG, KEYPONG) or an error. True: it belongs to a ping of ours. */
bool ping_answered(struct cjd_node *node, uint64_t label, const struct cjd_ctrl *ctrl,
                   uint64_t now_ns);
void ping_failed(struct cjd_node *node, uint64_t label, const struct cjd_ctrl *ctrl,
                 uint64_t now_ns);

/* upper.c */
void upper_deliver(struct cjd_node *node, struct cjd_pkt *pkt);
void upper_flush(struct cjd_node *node);
/* Content (behind the data header) becomes an IPv6 packet from `source` to this node. */
void upper_content(struct cjd_node *node, const struct cjd_addr *source, uint8_t next_header,
                   struct cjd_pkt *pkt);
/* Puts a fixed header in front of the payload. False: no room. */
bool ip6_push_header(struct cjd_pkt *pkt, uint8_t next_header, const struct cjd_addr *source,
                     const struct cjd_addr *dest);

/* icmp6.c: a user packet (data header in front) could not be sent; mtu 0: no route; consumes it. */
void icmp6_undeliverable(struct cjd_node *node, const struct cjd_addr *dest, struct cjd_pkt *pkt,
                         uint32_t mtu, uint64_t now_ns);

#endif
