/* What the plugin offers to operators by cjd.rpc: "info", "connect", "beacon". Control thread. */
#ifndef UDP_RPC_H
#define UDP_RPC_H

struct cjd_udp;

/* At start; without the service nothing is offered. */
void cjd_udp_rpc_offer(struct cjd_udp *udp);

#endif
