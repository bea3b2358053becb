/* Where this machine can be reached, and what it can reach: reading the network's state, sending
 * nothing. */
#ifndef CJD_DAEMON_REACH_H
#define CJD_DAEMON_REACH_H

#include <stdbool.h>

#include <cjd/peer_uri.h>
#include <config/peering.h>

/* How many of its addresses an invitation names for each family. */
#define CJD_REACH_FAMILY_MAX 2u

/*
 * Fills in uri->address: what the node's links are bound to, and where that is all addresses of the
 * machine, those others may reach, global ones if there are any. False: there is none; *why says
 * so.
 */
bool cjd_reach_fill(struct cjd_peer_uri *uri, const struct cjd_peering_self *self,
                    const char **why);
/* Is it, going by the number, in reach of the whole Internet, or may it be, being a name? */
bool cjd_reach_is_global(const char *address);

/* Puts addresses to which the machine has no route behind the others. */
void cjd_reach_sort(struct cjd_peer_uri *uri);

#endif
