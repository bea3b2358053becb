/* What the plugin offers to operators by cjd.rpc: "info", "connect", "beacon". Control thread. */
#ifndef ETH_RPC_H
#define ETH_RPC_H

struct cjd_eth;

/* At start; without the service nothing is offered. */
void cjd_eth_rpc_offer(struct cjd_eth *eth);

#endif
