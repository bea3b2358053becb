#include <sim/random.h>

#include <math.h>
#include <string.h>

uint64_t sim_random_u64(struct sim_random *r)
{
    r->state += 0x9e3779b97f4a7c15ull;
    uint64_t z = r->state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

void sim_random_init(struct sim_random *r, uint64_t seed, uint64_t stream)
{
    r->state = seed;
    r->state = sim_random_u64(r) ^ (stream * 0xd1342543de82ef95ull + 1);
    (void)sim_random_u64(r);
}

static void fill(void *ctx, void *buf, size_t n)
{
    uint8_t *out = buf;

    while (n > 0) {
        uint64_t v = sim_random_u64(ctx);
        size_t take = n < sizeof v ? n : sizeof v;
        memcpy(out, &v, take);
        out += take;
        n -= take;
    }
}

struct cjd_rng sim_random_rng(struct sim_random *r)
{
    return (struct cjd_rng){.fill = fill, .ctx = r};
}

uint32_t sim_random_below(struct sim_random *r, uint32_t bound)
{
    return (uint32_t)((sim_random_u64(r) >> 32) * bound >> 32);
}

uint64_t sim_random_between(struct sim_random *r, uint64_t low, uint64_t high)
{
    return high > low ? low + sim_random_u64(r) % (high - low + 1) : low;
}

double sim_random_unit(struct sim_random *r)
{
    return (double)(sim_random_u64(r) >> 11) * 0x1p-53;
}

double sim_random_exponential(struct sim_random *r, double mean)
{
    return -mean * log1p(-sim_random_unit(r));
}

void sim_random_shuffle(struct sim_random *r, uint32_t *values, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = sim_random_below(r, i);
        uint32_t v = values[i - 1];
        values[i - 1] = values[j];
        values[j] = v;
    }
}
