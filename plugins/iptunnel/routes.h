/*
 * Which operating-system routes lead into the tunnel: all of `prefixes` except what must stay
 * outside. Pure; one address family at a time. Source: session notes §7.
 */
#ifndef IPTUNNEL_ROUTES_H
#define IPTUNNEL_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>

/* A network: 4 or 16 bytes, bits beyond `len` zero. */
struct tunnel_net {
    uint8_t b[16];
    uint8_t len;
};

struct tunnel_nets {
    struct tunnel_net *v;
    size_t count;
    size_t cap;
};

void tunnel_nets_fini(struct tunnel_nets *nets);
/* Clears the bits beyond the length. */
CJD_MUST_CHECK int tunnel_nets_add(struct tunnel_nets *nets, const struct tunnel_net *net);

/* The networks the system has better routes for: link-local, private, loopback (bits: 32 or 128).
 */
CJD_MUST_CHECK int tunnel_local_prefixes(struct tunnel_nets *out, unsigned bits);

/* Result: order is free; `out` is empty before. bits: 32 or 128, of the family. */
CJD_MUST_CHECK int tunnel_routes(struct tunnel_nets *out, const struct tunnel_nets *prefixes,
                                 const struct tunnel_nets *exceptions,
                                 const struct tunnel_nets *local);

#endif
