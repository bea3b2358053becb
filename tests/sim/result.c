/* Results as JSON and CSV. */
#include <sim/run_private.h>

#include <stdio.h>

#include <base/drop.h>

static json_t *kinds_json(const double bytes[SIM_KIND_COUNT])
{
    json_t *out = json_object();

    for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
        json_object_set_new(out, sim_kind_text((enum sim_kind)k), json_real(bytes[k]));
    }
    return out;
}

static json_t *window_json(const struct sim_window *w)
{
    return json_pack("{s:f, s:i, s:f, s:f, s:f, s:f, s:o, s:o, s:f, s:f}", "at_s", w->at_s, "up",
                     (int)w->up, "mean", w->rate_mean, "median", w->rate_median, "p95", w->rate_p95,
                     "max", w->rate_max, "own", kinds_json(w->own), "transit",
                     kinds_json(w->transit), "heap_mean", w->heap_mean, "heap_max", w->heap_max);
}

static json_t *graph_json(const struct sim_run *run)
{
    uint32_t *degrees = sim_alloc(run->graph.nodes * sizeof *degrees);
    struct sim_samples s = {0};

    sim_graph_degrees(&run->graph, degrees);
    for (uint32_t i = 0; i < run->graph.nodes; i++) {
        sim_samples_add(&s, degrees[i]);
    }
    json_t *out = json_pack("{s:i, s:i, s:i, s:o}", "nodes", (int)run->graph.nodes, "links",
                            (int)run->graph.edges, "components",
                            (int)sim_graph_components(&run->graph), "degree", sim_samples_json(&s));
    sim_samples_fini(&s);
    sim_free_bytes(degrees);
    return out;
}

static json_t *drops_json(const struct sim_run *run)
{
    struct cjd_drops sum = {.count = {0}};
    json_t *out = json_object();

    for (uint32_t i = 0; i < run->graph.nodes; i++) {
        struct cjd_drops one;
        sim_drops(run->sim, i, &one);
        for (unsigned k = 0; k < CJD_DROP_COUNT; k++) {
            sum.count[k] += one.count[k];
        }
    }
    for (unsigned k = 0; k < CJD_DROP_COUNT; k++) {
        if (sum.count[k] > 0) {
            json_object_set_new(out, cjd_drop_text((enum cjd_drop)k),
                                json_integer((json_int_t)sum.count[k]));
        }
    }
    return out;
}

static json_t *wires_json(const struct sim_run *run)
{
    json_int_t sent = 0;
    json_int_t lost = 0;
    json_int_t overflow = 0;

    for (uint32_t i = 0; i < sim_link_count(run->sim); i++) {
        struct sim_link_info info;
        sim_link_at(run->sim, i, &info);
        sent += (json_int_t)info.sent;
        lost += (json_int_t)info.lost;
        overflow += (json_int_t)info.overflow;
    }
    return json_pack("{s:I, s:I, s:I}", "sent", sent, "lost", lost, "overflow", overflow);
}

/* What the routers did, all nodes that run together. */
static json_t *router_json(struct sim_run *run)
{
    struct sim_samples nodes = {0};
    struct sim_samples links = {0};
    struct sim_samples sessions = {0};
    json_int_t timeouts = 0;
    json_int_t queries = 0;

    for (uint32_t i = 0; i < run->graph.nodes; i++) {
        struct cjd_node *node = sim_node(run->sim, i);
        struct cjd_dht_stats stats;
        if (node) {
            cjd_dht_stats(cjd_node_dht(node), &stats);
            sim_samples_add(&nodes, stats.nodes);
            sim_samples_add(&links, stats.links);
            sim_samples_add(&sessions, cjd_sessions_count(cjd_node_sessions(node)));
            timeouts += (json_int_t)stats.timeouts;
            queries += (json_int_t)stats.queries_sent;
        }
    }
    json_t *out = json_pack("{s:o, s:o, s:o, s:I, s:I}", "nodes", sim_samples_json(&nodes), "links",
                            sim_samples_json(&links), "sessions", sim_samples_json(&sessions),
                            "queries", queries, "timeouts", timeouts);
    sim_samples_fini(&nodes);
    sim_samples_fini(&links);
    sim_samples_fini(&sessions);
    return out;
}

json_t *sim_run_json(struct sim_run *run)
{
    json_t *out = json_object();
    json_t *probes = json_array();

    for (uint32_t i = 0; i < run->scenario.probes; i++) {
        json_array_append_new(probes, probe_json(run, i));
    }
    json_object_set_new(out, "scenario", sim_scenario_json(&run->scenario));
    json_object_set_new(out, "graph", graph_json(run));
    json_object_set_new(out, "probes", probes);
    if (run->windows > 0) {
        json_object_set_new(out, "last_window", window_json(&run->window[run->windows - 1]));
    }
    json_object_set_new(out, "router", router_json(run));
    json_object_set_new(out, "wires", wires_json(run));
    json_object_set_new(out, "drops", drops_json(run));
    json_object_set_new(out, "packets_peak", json_integer((json_int_t)sim_packets_peak(run->sim)));
    json_object_set_new(out, "events", json_integer((json_int_t)sim_events(run->sim)));
    return out;
}

int sim_run_write_csv(const struct sim_run *run, const char *path)
{
    FILE *f = fopen(path, "w");

    if (!f) {
        return CJD_ERR_IO;
    }
    (void)fputs("at_s,up,mean,median,p95,max,heap_mean,heap_max", f);
    for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
        (void)fprintf(f, ",own_%s", sim_kind_text((enum sim_kind)k));
    }
    for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
        (void)fprintf(f, ",transit_%s", sim_kind_text((enum sim_kind)k));
    }
    for (uint32_t i = 0; i < run->windows; i++) {
        const struct sim_window *w = &run->window[i];
        (void)fprintf(f, "\n%g,%u,%.1f,%.1f,%.1f,%.1f,%.0f,%.0f", w->at_s, w->up, w->rate_mean,
                      w->rate_median, w->rate_p95, w->rate_max, w->heap_mean, w->heap_max);
        for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
            (void)fprintf(f, ",%.1f", w->own[k]);
        }
        for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
            (void)fprintf(f, ",%.1f", w->transit[k]);
        }
    }
    (void)fputc('\n', f);
    return fclose(f) == 0 ? 0 : CJD_ERR_IO;
}
