/*
 * Up to three real nodes in a row, joined by memory instead of sockets, with sessions established:
 * what the whole-path measurements run on. Node 0 calls node 1, node 1 calls node 2.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include <node/node.h>

#define NODES     3u
#define BATCH_MAX 256u

struct wire {
    struct cjd_pkt *array[BATCH_MAX];
    struct cjd_vec vec; /* packets a node has sent, receiver's address in each */
};

struct bench_node {
    struct cjd_node *node;
    struct cjd_keypair keys;
    struct wire out;
    struct row *row;
    uint64_t delivered;
};

struct row {
    struct bench_node n[NODES];
    struct cjd_pool *pool;
    struct cjd_rng rng;
    uint64_t now;
};

/* Starts the nodes and waits (in virtual time) until user packets go from 0 to 1 and from 0 to 2.
 * False: they do not. */
bool row_init(struct row *row);
void row_fini(struct row *row);

/* An IPv6/UDP packet of `len` bytes from node 0 to node `to`. */
struct cjd_pkt *row_user_packet(struct row *row, unsigned to, uint32_t len);
/* Hands what node `from` has sent to whom it is for; ends when nothing moves any more. */
void row_settle(struct row *row);
/* Frees what node i has sent. */
void row_discard(struct row *row, unsigned i);
/* Takes what node i has sent as packets that arrive at the node they are for. Returns that node. */
unsigned row_take(struct row *row, unsigned i, struct cjd_vec *into);

#endif
