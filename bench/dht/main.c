/*
 * Measures the router in a large network: load from the start on, look-ups, path stretch, load of
 * a quiet network, memory and time per node.
 *
 *     bench_dht [-t small|power] [-n nodes] [-s seed] [-p pairs] [-a ask_at_s] [-i idle_s]
 *               [-b boot_spread_s] [-e explained]
 */
#include "world.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <base/wire.h>

#define LABEL_BITS_MAX 59u
#define SAMPLE         20u
#define SPREAD         (20 * CJD_S) /* in which the look-ups begin */
#define WAIT           (11 * CJD_S)

struct options {
    const char *topology;
    uint32_t nodes;
    uint32_t pairs;
    uint64_t seed;
    uint64_t ask_at_ns;
    uint64_t idle_ns;
    uint64_t boot_ns;
    uint32_t explained; /* so many of the look-ups that failed */
};

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_quantiles(const char *what, double *v, uint32_t count)
{
    double sum = 0;

    if (count == 0) {
        printf("%-34s none\n", what);
        return;
    }
    qsort(v, count, sizeof *v, by_value);
    for (uint32_t i = 0; i < count; i++) {
        sum += v[i];
    }
    printf("%-34s mean %8.2f  median %8.2f  95%% %8.2f  99%% %8.2f  max %8.2f  (%u)\n", what,
           sum / count, v[count / 2], v[count * 95 / 100], v[count * 99 / 100], v[count - 1],
           count);
    fflush(stdout);
}

struct snapshot {
    uint64_t queries;
    uint64_t tx_bytes;
};

/* --- load --------------------------------------------------------------------------------------
 */

static void measure_load(struct world *w, const char *what, uint64_t for_ns)
{
    struct snapshot *old = calloc(w->node_count, sizeof *old);
    double *v = calloc(w->node_count, sizeof *v);
    double seconds = (double)for_ns / 1e9;
    double cpu = cpu_seconds();
    char title[64];

    for (uint32_t i = 0; old && i < w->node_count; i++) {
        old[i] = (struct snapshot){w->node[i].queries, w->node[i].tx_bytes};
    }
    world_run(w, w->now_ns + for_ns);
    for (uint32_t i = 0; old && v && i < w->node_count; i++) {
        v[i] = (double)(w->node[i].queries - old[i].queries) / seconds;
    }
    snprintf(title, sizeof title, "%s: queries/s", what);
    print_quantiles(title, v, w->node_count);
    for (uint32_t i = 0; old && v && i < w->node_count; i++) {
        v[i] = (double)(w->node[i].tx_bytes - old[i].tx_bytes) / seconds;
    }
    snprintf(title, sizeof title, "%s: bytes/s", what);
    print_quantiles(title, v, w->node_count);
    printf("%-34s %.1f us per node and second\n", what,
           (cpu_seconds() - cpu) / seconds / w->node_count * 1e6);
    free(old);
    free(v);
}

static void print_tables(const struct world *w)
{
    double *nodes = calloc(w->node_count, sizeof *nodes);
    double *links = calloc(w->node_count, sizeof *links);
    struct cjd_dht_stats st;

    for (uint32_t i = 0; nodes && links && i < w->node_count; i++) {
        cjd_dht_stats(w->node[i].dht, &st);
        nodes[i] = st.nodes;
        links[i] = st.links;
    }
    print_quantiles("nodes known", nodes, w->node_count);
    print_quantiles("links known", links, w->node_count);
    free(nodes);
    free(links);
}

/* How good are the paths to all that is known? Of a sample of the nodes. */
static void print_known_stretch(struct world *w)
{
    uint64_t *delay = calloc(w->node_count, sizeof *delay);
    double *v = calloc((size_t)w->node_count * SAMPLE, sizeof *v);
    struct cjd_dht_node_info n;
    uint32_t count = 0;

    for (uint32_t i = 0; delay && v && i < SAMPLE; i++) {
        uint32_t from = i * w->node_count / SAMPLE;
        graph_delays(w, from, delay);
        for (uint32_t k = 0; cjd_dht_node_at(w->node[from].dht, k, &n) && k < w->node_count; k++) {
            uint32_t to = cjd_load32(n.path.to.key.b + 28);
            uint64_t took = n.is_reachable ? world_delay(w, from, to, n.path.to.label) : 0;
            if (took != 0) {
                v[count++] = (double)took / (double)delay[to];
            }
        }
    }
    print_quantiles("stretch of all paths known", v, count);
    free(delay);
    free(v);
}

/* Peaks since the last call. */
static void print_peaks(struct world *w, const char *what)
{
    uint32_t peak[WORLD_WINDOWS] = {0};

    for (uint32_t i = 0; i < w->node_count; i++) {
        for (uint32_t k = 0; k < CJD_SWITCH_IFACES; k++) {
            for (unsigned x = 0; x < WORLD_WINDOWS; x++) {
                uint32_t *p = &w->node[i].ports[k].peak[x];
                peak[x] = *p > peak[x] ? *p : peak[x];
                *p = 0;
            }
        }
    }
    printf("%-34s queries over one neighbour, worst: %u in 1 s, %.1f/s over 10 s\n", what, peak[0],
           peak[1] / 10.0);
}

static void print_memory(struct world *w, size_t before)
{
    struct mallinfo2 m = mallinfo2();
    printf("%-34s %.0f KB per node\n", "memory",
           (double)(m.uordblks + m.hblkhd - before) / 1024 / w->node_count);
}

/* --- look-ups ----------------------------------------------------------------------------------
 */

static int by_from(const void *a, const void *b)
{
    const struct world_probe *x = a;
    const struct world_probe *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* Pairs whose shortest label fits. */
static void choose(struct world *w, struct world_probe *probes, uint32_t count)
{
    uint32_t *bits = calloc(w->node_count, sizeof *bits);
    uint32_t known = UINT32_MAX;

    for (uint32_t i = 0; i < count; i++) {
        probes[i].from = cjd_rng_below(&w->rng, w->node_count);
    }
    qsort(probes, count, sizeof *probes, by_from);
    for (uint32_t i = 0; bits && i < count; i++) {
        if (probes[i].from != known) {
            known = probes[i].from;
            graph_bits(w, known, bits);
        }
        do {
            probes[i].to = cjd_rng_below(&w->rng, w->node_count);
        } while (probes[i].to == known || bits[probes[i].to] > LABEL_BITS_MAX);
    }
    free(bits);
}

struct results {
    double *requests;
    double *searched; /* those that asked at all */
    double *later;
    double *wait_ms;
    double *first;
    double *soon;
    double *last;
    uint32_t answered;
    uint32_t searches;
};

static void collect(struct world *w, struct world_probe *probes, uint32_t count, struct results *r)
{
    uint64_t *delay = calloc(w->node_count, sizeof *delay);
    uint32_t known = UINT32_MAX;

    for (uint32_t i = 0; delay && i < count; i++) {
        struct world_probe *p = &probes[i];
        if (p->answered_ns == 0) {
            continue;
        }
        if (p->from != known) {
            known = p->from;
            graph_delays(w, known, delay);
        }
        uint32_t n = r->answered++;
        r->requests[n] = p->requests;
        r->later[n] = p->later;
        r->wait_ms[n] = (double)(p->answered_ns - p->asked_ns) / 1e6;
        r->first[n] = (double)p->first_delay_ns / (double)delay[p->to];
        r->soon[n] =
            (double)(p->soon_delay_ns ? p->soon_delay_ns : p->last_delay_ns) / (double)delay[p->to];
        r->last[n] = (double)p->last_delay_ns / (double)delay[p->to];
        if (p->requests > 0) {
            r->searched[r->searches++] = p->requests;
        }
    }
    free(delay);
}

static void explain(struct world *w, const struct world_probe *probes, uint32_t pairs, uint32_t max)
{
    struct cjd_dht_explanation e;
    char text[8192];

    for (uint32_t i = 0; i < pairs && max > 0; i++) {
        const struct world_probe *p = &probes[i];
        if (p->answered_ns != 0) {
            continue;
        }
        max--;
        cjd_dht_explain(w->node[p->from].dht, &w->node[p->to].addr, w->now_ns, &e);
        if (cjd_dht_explain_text(&e, w->now_ns, text, sizeof text) > 0) {
            printf("%u to %u, %u requests, %u later:\n%s", p->from, p->to, p->requests, p->later,
                   text);
        }
    }
}

static void look_up(struct world *w, uint32_t pairs, uint32_t explained)
{
    struct world_probe *probes = calloc(pairs, sizeof *probes);
    double *room = calloc((size_t)pairs * 7, sizeof *room);

    if (!probes || !room) {
        return;
    }
    struct results r = {.requests = room,
                        .searched = room + pairs,
                        .later = room + pairs * 2,
                        .wait_ms = room + pairs * 3,
                        .first = room + pairs * 4,
                        .soon = room + pairs * 5,
                        .last = room + pairs * 6};
    choose(w, probes, pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        world_probe_start(w, &probes[i], w->now_ns + cjd_rng_u64(&w->rng) % SPREAD);
    }
    measure_load(w, "look-ups", SPREAD + WAIT);
    collect(w, probes, pairs, &r);
    printf("%-34s %u of %u (%.2f %%)\n", "answered within 10 s", r.answered, pairs,
           100.0 * r.answered / pairs);
    print_quantiles("requests, all look-ups", r.requests, r.answered);
    print_quantiles("requests, those that searched", r.searched, r.searches);
    print_quantiles("requests once a path is known", r.later, r.answered);
    print_quantiles("milliseconds to the answer", r.wait_ms, r.answered);
    print_quantiles("stretch, first path", r.first, r.answered);
    print_quantiles("stretch, path after 1 s", r.soon, r.answered);
    print_quantiles("stretch, path after 10 s", r.last, r.answered);
    explain(w, probes, pairs, explained);
    free(room);
    free(probes);
}

/* -----------------------------------------------------------------------------------------------
 */

static void parse(int argc, char **argv, struct options *o)
{
    int c;

    while ((c = getopt(argc, argv, "t:n:s:p:a:i:b:e:")) != -1) {
        switch (c) {
        case 't':
            o->topology = optarg;
            break;
        case 'n':
            o->nodes = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 's':
            o->seed = strtoull(optarg, NULL, 10);
            break;
        case 'p':
            o->pairs = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'a':
            o->ask_at_ns = strtoull(optarg, NULL, 10) * CJD_S;
            break;
        case 'i':
            o->idle_ns = strtoull(optarg, NULL, 10) * CJD_S;
            break;
        case 'e':
            o->explained = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'b':
            o->boot_ns = strtoull(optarg, NULL, 10) * CJD_S;
            break;
        default:
            fputs("usage: bench_dht [-t small|power] [-n nodes] [-s seed] [-p pairs] [-a ask_at] "
                  "[-i idle] [-b boot_spread] [-e explained]\n",
                  stderr);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct options o = {
        .topology = "small", .nodes = 1000, .pairs = 10000, .seed = 1, .ask_at_ns = 60 * CJD_S};
    char title[48];

    parse(argc, argv, &o);
    struct world *w = world_new(o.seed, o.nodes);
    bool is_made = strcmp(o.topology, "power") == 0 ? graph_power_law(w, 2, 200)
                                                    : graph_small_world(w, 6, 0.1);
    if (!is_made) {
        return 1;
    }
    size_t before = mallinfo2().uordblks;
    uint64_t start = w->now_ns;
    world_start(w, o.boot_ns);
    printf("%s, %u nodes, %u links, seed %llu\n", o.topology, w->node_count, w->link_count,
           (unsigned long long)o.seed);
    for (uint64_t at = 0; at < o.ask_at_ns; at += 10 * CJD_S) {
        snprintf(title, sizeof title, "%2u-%2u s", (unsigned)(at / CJD_S),
                 (unsigned)(at / CJD_S) + 10);
        measure_load(w, title, 10 * CJD_S);
        print_peaks(w, title);
    }
    print_tables(w);
    print_known_stretch(w);
    print_memory(w, before);
    look_up(w, o.pairs, o.explained);
    print_peaks(w, "look-ups");
    print_memory(w, before);
    if (o.idle_ns > 0) {
        world_run(w, start + o.ask_at_ns + SPREAD + WAIT + o.idle_ns);
        measure_load(w, "idle", 60 * CJD_S);
        print_peaks(w, "idle");
        print_tables(w);
        print_memory(w, before);
    }
    printf("lost %llu, misdelivered %llu, cpu %.1f s\n", (unsigned long long)w->lost,
           (unsigned long long)w->misdelivered, cpu_seconds());
    world_free(w);
    return 0;
}
