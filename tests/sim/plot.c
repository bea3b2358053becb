/* The plot of a run (bytes a second over time, logarithmic) and the picture of its network. */
#include <sim/run_private.h>

#include <math.h>
#include <stdio.h>

#include <sim/svg.h>

#define WIDTH   900.0
#define HEIGHT  520.0
#define LEFT    70.0
#define RIGHT   150.0
#define TOP     40.0
#define BOTTOM  50.0
#define PICTURE 1000.0

static const char *const colours[] = {"#000000", "#888888", "#c8a000", "#7040a0", "#2060c0",
                                      "#20a0a0", "#c03020", "#30a030", "#e07020", "#b0b0ff"};

struct axes {
    double seconds;
    double decades; /* the highest power of ten shown */
};

static void place(const struct axes *a, double at_s, double value, double out[2])
{
    double level = value > 1 ? log10(value) / a->decades : 0;

    out[0] = LEFT + (WIDTH - LEFT - RIGHT) * at_s / a->seconds;
    out[1] = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * level;
}

static void draw_axes(struct sim_svg *svg, const struct axes *a)
{
    const struct sim_svg_style grid = {.stroke = "#dddddd", .width = 1};
    char text[32];

    for (int d = 0; d <= (int)a->decades; d++) {
        double from[2];
        double to[2];
        place(a, 0, pow(10, d), from);
        place(a, a->seconds, pow(10, d), to);
        sim_svg_line(svg, from, to, &grid);
        snprintf(text, sizeof text, "%g", pow(10, d));
        sim_svg_text(svg, (const double[]){LEFT - 8, from[1] + 4}, "end", text);
    }
    for (int i = 0; i <= 5; i++) {
        double at[2];
        place(a, a->seconds * i / 5, 0, at);
        snprintf(text, sizeof text, "%g s", a->seconds * i / 5);
        sim_svg_text(svg, (const double[]){at[0], at[1] + 20}, "middle", text);
    }
}

/* kind SIM_KIND_COUNT: all; one more: what is forwarded. */
static double value_of(const struct sim_window *w, unsigned kind)
{
    double sum = 0;

    if (kind < SIM_KIND_COUNT) {
        return w->own[kind];
    }
    if (kind == SIM_KIND_COUNT) {
        return w->rate_mean;
    }
    for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
        sum += w->transit[k];
    }
    return sum;
}

static void draw_series(struct sim_svg *svg, const struct sim_run *run, const struct axes *a,
                        unsigned kind)
{
    unsigned colour = kind == SIM_KIND_COUNT ? 0 : kind > SIM_KIND_COUNT ? 9 : kind + 1;
    struct sim_svg_style style = {.stroke = colours[colour], .width = colour == 0 ? 2.5 : 1.5};
    const char *name = kind == SIM_KIND_COUNT  ? "all"
                       : kind > SIM_KIND_COUNT ? "forwarded"
                                               : sim_kind_text((enum sim_kind)kind);
    double y = TOP + 20.0 * (kind + 1);

    sim_svg_path_begin(svg, &style);
    for (uint32_t i = 0; i < run->windows; i++) {
        double at[2];
        place(a, run->window[i].at_s, value_of(&run->window[i], kind), at);
        sim_svg_path_point(svg, at);
    }
    sim_svg_path_end(svg);
    sim_svg_line(svg, (const double[]){WIDTH - RIGHT + 15, y - 4},
                 (const double[]){WIDTH - RIGHT + 40, y - 4}, &style);
    sim_svg_text(svg, (const double[]){WIDTH - RIGHT + 46, y}, "start", name);
}

int sim_run_write_plot(const struct sim_run *run, const char *path)
{
    struct sim_svg svg;
    double max = 10;
    char title[256];

    for (uint32_t i = 0; i < run->windows; i++) {
        max = run->window[i].rate_mean > max ? run->window[i].rate_mean : max;
    }
    struct axes a = {.seconds = run->scenario.duration_s, .decades = ceil(log10(max))};
    int err = sim_svg_open(&svg, path, (unsigned)WIDTH, (unsigned)HEIGHT);
    if (err) {
        return err;
    }
    snprintf(title, sizeof title, "%s: %u nodes (%s), bytes a second sent by a node",
             run->scenario.name, run->graph.nodes, sim_topology_text(run->scenario.topology));
    sim_svg_text(&svg, (const double[]){LEFT, 24}, "start", title);
    draw_axes(&svg, &a);
    for (unsigned k = 0; k <= SIM_KIND_COUNT + 1; k++) {
        draw_series(&svg, run, &a, k);
    }
    return sim_svg_close(&svg);
}

/* --- picture ---------------------------------------------------------------------------------- */

static const char *colour_of(const struct sim_run *run, uint32_t node)
{
    static const char *const by_evil[] = {
        [SIM_HONEST] = "#2060c0", [SIM_FALSE_PATHS] = "#c03020", [SIM_FALSE_NEIGHBOURS] = "#c03020",
        [SIM_LIE] = "#c03020",    [SIM_SILENT] = "#806040",      [SIM_DROP] = "#000000",
        [SIM_FLOOD] = "#e07020",  [SIM_ECLIPSE] = "#a020a0",
    };

    return sim_is_up(run->sim, node) ? by_evil[sim_evil_of(run->sim, node)] : "#bbbbbb";
}

static bool is_ring_like(const struct sim_scenario *s)
{
    return s->topology == SIM_RING || s->topology == SIM_SMALL_WORLD || s->topology == SIM_CHAIN;
}

int sim_run_write_picture(struct sim_run *run, const char *path)
{
    struct sim_graph *g = &run->graph;
    struct sim_random r;
    struct sim_svg svg;
    int err = sim_svg_open(&svg, path, (unsigned)PICTURE, (unsigned)PICTURE);

    if (err) {
        return err;
    }
    sim_random_init(&r, run->scenario.seed, 3);
    sim_graph_layout(g, is_ring_like(&run->scenario), &r);
    uint32_t *degrees = sim_alloc(g->nodes * sizeof *degrees);
    sim_graph_degrees(g, degrees);
    for (uint32_t i = 0; i < g->edges; i++) {
        const struct sim_point *p = &g->at[g->edge[i].a];
        const struct sim_point *q = &g->at[g->edge[i].b];
        struct sim_link_info info;
        sim_link_at(run->sim, i, &info);
        struct sim_svg_style style = {.stroke = info.is_cut ? "#ffaaaa" : "#cccccc",
                                      .width = g->nodes > 500 ? 0.4 : 0.8};
        sim_svg_line(&svg, (const double[]){(double)p->x * PICTURE, (double)p->y * PICTURE},
                     (const double[]){(double)q->x * PICTURE, (double)q->y * PICTURE}, &style);
    }
    double size = g->nodes > 500 ? 1.0 : 2.0;
    for (uint32_t i = 0; i < g->nodes; i++) {
        struct sim_svg_style style = {.fill = colour_of(run, i)};
        sim_svg_circle(&svg,
                       (const double[]){(double)g->at[i].x * PICTURE, (double)g->at[i].y * PICTURE},
                       size + sqrt(degrees[i]), &style);
    }
    sim_free_bytes(degrees);
    return sim_svg_close(&svg);
}
