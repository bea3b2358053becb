#include "routes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static unsigned bit_at(const struct tunnel_net *n, unsigned i)
{
    return (unsigned)n->b[i / 8] >> (7 - i % 8) & 1u;
}

static void clear_from(struct tunnel_net *n, unsigned first)
{
    for (unsigned i = first; i < 128; i++) {
        n->b[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
    }
}

/* Is `in` inside `out`, or equal to it? */
static bool contains(const struct tunnel_net *out, const struct tunnel_net *in)
{
    if (out->len > in->len) {
        return false;
    }
    for (unsigned i = 0; i < out->len; i++) {
        if (bit_at(out, i) != bit_at(in, i)) {
            return false;
        }
    }
    return true;
}

/* Is `net` inside one of `nets`? */
static bool is_inside(const struct tunnel_nets *nets, const struct tunnel_net *net)
{
    for (size_t i = 0; i < nets->count; i++) {
        if (contains(&nets->v[i], net)) {
            return true;
        }
    }
    return false;
}

/* Does `net` contain one of `nets`? */
static bool contains_any(const struct tunnel_net *net, const struct tunnel_nets *nets)
{
    for (size_t i = 0; i < nets->count; i++) {
        if (contains(net, &nets->v[i])) {
            return true;
        }
    }
    return false;
}

void tunnel_nets_fini(struct tunnel_nets *nets)
{
    free(nets->v);
    *nets = (struct tunnel_nets){0};
}

int tunnel_nets_add(struct tunnel_nets *nets, const struct tunnel_net *net)
{
    if (nets->count == nets->cap) {
        size_t cap = nets->cap ? 2 * nets->cap : 16;
        struct tunnel_net *v = realloc(nets->v, cap * sizeof *v);
        if (!v) {
            return CJD_ERR_NO_MEMORY;
        }
        nets->v = v;
        nets->cap = cap;
    }
    nets->v[nets->count] = *net;
    clear_from(&nets->v[nets->count], net->len);
    nets->count++;
    return 0;
}

int tunnel_local_prefixes(struct tunnel_nets *out, unsigned bits)
{
    static const struct tunnel_net ip4[] = {
        {{10}, 8}, {{172, 16}, 12}, {{192, 168}, 16}, {{127}, 8}};
    static const struct tunnel_net ip6[] = {{{0xfe, 0x80}, 10}, {{0xfd}, 8}};
    const struct tunnel_net *from = bits == 32 ? ip4 : ip6;
    size_t n = bits == 32 ? sizeof ip4 / sizeof ip4[0] : sizeof ip6 / sizeof ip6[0];
    int err = 0;

    for (size_t i = 0; i < n && !err; i++) {
        err = tunnel_nets_add(out, &from[i]);
    }
    return err;
}

/* Steps 1 and 2: exceptions that matter. */
static int relevant_exceptions(struct tunnel_nets *out, const struct tunnel_nets *prefixes,
                               const struct tunnel_nets *exceptions,
                               const struct tunnel_nets *local)
{
    struct tunnel_nets effective = {0};
    int err = 0;

    for (size_t i = 0; i < local->count && !err; i++) {
        if (!contains_any(&local->v[i], prefixes)) {
            err = tunnel_nets_add(&effective, &local->v[i]);
        }
    }
    for (size_t i = 0; i < exceptions->count && !err; i++) {
        if (!is_inside(&effective, &exceptions->v[i])) {
            err = tunnel_nets_add(out, &exceptions->v[i]);
        }
    }
    tunnel_nets_fini(&effective);
    return err;
}

/* The network that shares the first i − 1 bits with `net` and differs in bit i (from 1). */
static struct tunnel_net sibling(const struct tunnel_net *net, unsigned i)
{
    struct tunnel_net s = *net;

    s.b[(i - 1) / 8] ^= (uint8_t)(0x80u >> (i - 1) % 8);
    s.len = (uint8_t)i;
    clear_from(&s, i);
    return s;
}

/* Step 3: everything outside the exceptions, as few networks. */
static int complement(struct tunnel_nets *out, const struct tunnel_nets *exceptions)
{
    for (size_t e = 0; e < exceptions->count; e++) {
        for (unsigned i = 1; i <= exceptions->v[e].len; i++) {
            struct tunnel_net s = sibling(&exceptions->v[e], i);
            if (contains_any(&s, exceptions) || is_inside(exceptions, &s) || is_inside(out, &s)) {
                continue;
            }
            int err = tunnel_nets_add(out, &s);
            if (err) {
                return err;
            }
        }
    }
    return 0;
}

/* Step 6: the system's own default route must stay. */
static int split_default(struct tunnel_nets *out)
{
    if (out->count != 1 || out->v[0].len != 0) {
        return 0;
    }
    struct tunnel_net high = {.b = {0x80}, .len = 1};
    out->v[0].len = 1;
    return tunnel_nets_add(out, &high);
}

int tunnel_routes(struct tunnel_nets *out, const struct tunnel_nets *prefixes,
                  const struct tunnel_nets *exceptions, const struct tunnel_nets *local)
{
    struct tunnel_nets relevant = {0};
    struct tunnel_nets outside = {0};
    int err = relevant_exceptions(&relevant, prefixes, exceptions, local);

    if (!err) {
        err = complement(&outside, &relevant);
    }
    for (size_t i = 0; i < outside.count && !err; i++) {
        if (is_inside(prefixes, &outside.v[i])) {
            err = tunnel_nets_add(out, &outside.v[i]);
        }
    }
    for (size_t i = 0; i < prefixes->count && !err; i++) {
        if (!contains_any(&prefixes->v[i], &outside)) {
            err = tunnel_nets_add(out, &prefixes->v[i]);
        }
    }
    if (!err) {
        err = split_default(out);
    }
    tunnel_nets_fini(&relevant);
    tunnel_nets_fini(&outside);
    return err;
}
