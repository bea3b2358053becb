#include <sim/scenario.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ERROR_BYTES  256
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const topologies[] = {
    [SIM_CHAIN] = "chain",
    [SIM_RING] = "ring",
    [SIM_GRID] = "grid",
    [SIM_STAR] = "star",
    [SIM_TREE] = "tree",
    [SIM_GEOMETRIC] = "geometric",
    [SIM_SMALL_WORLD] = "small_world",
    [SIM_POWER_LAW] = "power_law",
    [SIM_FILE] = "file",
};

static const char *const evils[] = {
    [SIM_HONEST] = "honest",
    [SIM_FALSE_PATHS] = "false_paths",
    [SIM_FALSE_NEIGHBOURS] = "false_neighbours",
    [SIM_LIE] = "lie",
    [SIM_SILENT] = "silent",
    [SIM_DROP] = "drop",
    [SIM_FLOOD] = "flood",
    [SIM_ECLIPSE] = "eclipse",
};

static const char *const places[] = {
    [SIM_PLACE_RANDOM] = "random",
    [SIM_PLACE_NEAR] = "near",
    [SIM_PLACE_AROUND] = "around",
};

const char *sim_topology_text(enum sim_topology topology)
{
    return topologies[topology];
}

const char *sim_evil_text(enum sim_evil evil)
{
    return evils[evil];
}

/* --- fields ----------------------------------------------------------------------------------- */

/* NODE: a number, or null for none. */
enum type { U32, U64, NODE, REAL, RANGE, TEXT, TOPOLOGY, EVIL, PLACE };

struct field {
    const char *name;
    size_t offset;
    enum type type;
    double max;      /* numbers: 0 … max */
    size_t capacity; /* of texts */
};

#define F(s, name, member, type, max)                                                              \
    {                                                                                              \
        name, offsetof(struct s, member), type, max, 0                                             \
    }
#define F_TEXT(s, name, member)                                                                    \
    {                                                                                              \
        name, offsetof(struct s, member), TEXT, 0, sizeof(((struct s *)0)->member)                 \
    }

static const struct field root_fields[] = {
    F_TEXT(sim_scenario, "name", name),
    F(sim_scenario, "seed", seed, U64, 9e15),
    F(sim_scenario, "duration_s", duration_s, REAL, 1e7),
    F(sim_scenario, "window_s", window_s, REAL, 1e7),
    F(sim_scenario, "start_spread_s", start_spread_s, REAL, 1e7),
};

static const struct field topology_fields[] = {
    F(sim_scenario, "kind", topology, TOPOLOGY, 0),
    F(sim_scenario, "nodes", nodes, U32, 1e6),
    F(sim_scenario, "width", width, U32, 1e6),
    F(sim_scenario, "branches", branches, U32, 1e3),
    F(sim_scenario, "k", k, U32, 1e3),
    F(sim_scenario, "p", p, REAL, 1),
    F(sim_scenario, "m", m, U32, 1e3),
    F(sim_scenario, "cap", cap, U32, 1e3),
    F(sim_scenario, "radius", radius, REAL, 2),
    F(sim_scenario, "degree", degree, REAL, 1e3),
    F_TEXT(sim_scenario, "file", file),
};

static const struct field links_fields[] = {
    F(sim_scenario, "delay_ms", delay_ms, RANGE, 1e6),
    F(sim_scenario, "jitter_ms", jitter_ms, REAL, 1e6),
    F(sim_scenario, "loss", loss, REAL, 1),
    F(sim_scenario, "rate_kbit", rate_kbit, REAL, 1e9),
    F(sim_scenario, "queue_ms", queue_ms, REAL, 1e6),
};

static const struct field churn_fields[] = {
    F(sim_scenario, "fraction", churn_fraction, REAL, 1),
    F(sim_scenario, "up_s", churn_up_s, REAL, 1e7),
    F(sim_scenario, "down_s", churn_down_s, REAL, 1e7),
    F(sim_scenario, "from_s", churn_from_s, REAL, 1e7),
    F(sim_scenario, "to_s", churn_to_s, REAL, 1e7),
};

static const struct field probe_fields[] = {
    F(sim_probe_plan, "at_s", at_s, REAL, 1e7),
    F(sim_probe_plan, "pairs", pairs, U32, 1e6),
    F(sim_probe_plan, "spread_s", spread_s, REAL, 1e6),
    F(sim_probe_plan, "wait_s", wait_s, REAL, 1e3),
    F(sim_probe_plan, "follow_s", follow_s, REAL, 100),
    F(sim_probe_plan, "node", node, NODE, 1e6),
};

static const struct field partition_fields[] = {
    F(sim_partition_plan, "at_s", at_s, REAL, 1e7),
    F(sim_partition_plan, "heal_s", heal_s, REAL, 1e7),
    F(sim_partition_plan, "fraction", fraction, REAL, 1),
};

static const struct field evil_fields[] = {
    F(sim_evil_plan, "kind", kind, EVIL, 0),    F(sim_evil_plan, "fraction", fraction, REAL, 1),
    F(sim_evil_plan, "count", count, U32, 1e6), F(sim_evil_plan, "rate", rate, U32, 1e5),
    F(sim_evil_plan, "place", place, PLACE, 0), F(sim_evil_plan, "victim", victim, NODE, 1e6),
};

struct section {
    const char *name; /* NULL: the root */
    const struct field *fields;
    size_t count;
};

static const struct section sections[] = {
    {NULL, root_fields, COUNT(root_fields)},
    {"topology", topology_fields, COUNT(topology_fields)},
    {"links", links_fields, COUNT(links_fields)},
    {"churn", churn_fields, COUNT(churn_fields)},
};

struct list {
    const char *name;
    const struct field *fields;
    size_t count;
    size_t offset; /* of the array */
    size_t size;   /* of one element */
    size_t length; /* offset of the number of elements */
};

static const struct list lists[] = {
    {"probes", probe_fields, COUNT(probe_fields), offsetof(struct sim_scenario, probe),
     sizeof(struct sim_probe_plan), offsetof(struct sim_scenario, probes)},
    {"partitions", partition_fields, COUNT(partition_fields),
     offsetof(struct sim_scenario, partition), sizeof(struct sim_partition_plan),
     offsetof(struct sim_scenario, partitions)},
    {"misbehaving", evil_fields, COUNT(evil_fields), offsetof(struct sim_scenario, evil),
     sizeof(struct sim_evil_plan), offsetof(struct sim_scenario, evils)},
};

/* --- reading ---------------------------------------------------------------------------------- */

static int complain(char *error, const char *name, const char *what)
{
    snprintf(error, ERROR_BYTES, "\"%s\": %s", name, what);
    return CJD_ERR_CONFIG;
}

static int read_word(const json_t *v, const char *const *words, size_t count)
{
    for (size_t i = 0; json_is_string(v) && i < count; i++) {
        if (strcmp(json_string_value(v), words[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_number(const json_t *v, double max)
{
    return json_is_number(v) && json_number_value(v) >= 0 && json_number_value(v) <= max;
}

static int read_range(double out[2], const json_t *v, const struct field *f, char *error)
{
    if (is_number(v, f->max)) {
        out[0] = out[1] = json_number_value(v);
        return 0;
    }
    if (json_array_size(v) != 2 || !is_number(json_array_get(v, 0), f->max) ||
        !is_number(json_array_get(v, 1), f->max)) {
        return complain(error, f->name, "a number, or two in brackets");
    }
    out[0] = json_number_value(json_array_get(v, 0));
    out[1] = json_number_value(json_array_get(v, 1));
    return out[0] <= out[1] ? 0 : complain(error, f->name, "the first is the smaller one");
}

static int read_number(void *at, const json_t *v, const struct field *f, char *error)
{
    if (!is_number(v, f->max) || (f->type != REAL && !json_is_integer(v))) {
        char what[64];
        snprintf(what, sizeof what, "a number from 0 to %g%s", f->max,
                 f->type == REAL ? "" : ", whole");
        return complain(error, f->name, what);
    }
    if (f->type == REAL) {
        *(double *)at = json_number_value(v);
    } else if (f->type != U64) {
        *(uint32_t *)at = (uint32_t)json_integer_value(v);
    } else {
        *(uint64_t *)at = (uint64_t)json_integer_value(v);
    }
    return 0;
}

struct words {
    const char *const *word;
    size_t count;
    const char *all;
};

static struct words words_of(enum type type)
{
    switch (type) {
    case TOPOLOGY:
        return (struct words){topologies, COUNT(topologies),
                              "chain, ring, grid, star, tree, geometric, small_world, power_law or "
                              "file"};
    case PLACE:
        return (struct words){places, COUNT(places), "random, near or around"};
    default:
        return (struct words){evils, COUNT(evils),
                              "false_paths, false_neighbours, lie, silent, drop, flood or eclipse"};
    }
}

static int read_enum(void *at, const json_t *v, const struct field *f, char *error)
{
    struct words words = words_of(f->type);
    int i = read_word(v, words.word, words.count);

    if (i < 0) {
        return complain(error, f->name, words.all);
    }
    switch (f->type) {
    case TOPOLOGY:
        *(enum sim_topology *)at = (enum sim_topology)i;
        break;
    case PLACE:
        *(enum sim_place *)at = (enum sim_place)i;
        break;
    default:
        *(enum sim_evil *)at = (enum sim_evil)i;
        break;
    }
    return 0;
}

static int read_field(void *object, const json_t *v, const struct field *f, char *error)
{
    void *at = (char *)object + f->offset;

    switch (f->type) {
    case NODE:
        if (json_is_null(v)) {
            *(uint32_t *)at = SIM_NOBODY;
            return 0;
        }
        return read_number(at, v, f, error);
    case U32:
    case U64:
    case REAL:
        return read_number(at, v, f, error);
    case RANGE:
        return read_range(at, v, f, error);
    case TOPOLOGY:
    case EVIL:
    case PLACE:
        return read_enum(at, v, f, error);
    case TEXT:
        break;
    }
    const char *text = json_string_value(v);
    if (!text || strlen(text) >= f->capacity) {
        return complain(error, f->name, "a text, or a shorter one");
    }
    strcpy(at, text);
    return 0;
}

static const struct field *find_field(const struct field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static int read_object(void *object, const json_t *v, const struct field *fields, size_t count,
                       char *error)
{
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)(uintptr_t)v, name, member)
    {
        const struct field *f = find_field(fields, count, name);
        int err =
            f ? read_field(object, member, f, error) : complain(error, name, "nobody knows this");
        if (err) {
            return err;
        }
    }
    return 0;
}

static int read_list(struct sim_scenario *s, const json_t *v, const struct list *l, char *error)
{
    if (!json_is_array(v) || json_array_size(v) > SIM_LIST_MAX) {
        return complain(error, l->name, "a list of at most 64 objects");
    }
    *(uint32_t *)(void *)((char *)s + l->length) = (uint32_t)json_array_size(v);
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *element = json_array_get(v, i);
        int err = json_is_object(element) ? read_object((char *)s + l->offset + i * l->size,
                                                        element, l->fields, l->count, error)
                                          : complain(error, l->name, "a list of objects");
        if (err) {
            return err;
        }
    }
    return 0;
}

static int read_member(struct sim_scenario *s, const char *name, const json_t *v, char *error)
{
    const struct field *f = find_field(root_fields, COUNT(root_fields), name);

    if (f) {
        return read_field(s, v, f, error);
    }
    for (size_t i = 1; i < COUNT(sections); i++) {
        if (strcmp(sections[i].name, name) == 0) {
            return json_is_object(v)
                       ? read_object(s, v, sections[i].fields, sections[i].count, error)
                       : complain(error, name, "an object");
        }
    }
    for (size_t i = 0; i < COUNT(lists); i++) {
        if (strcmp(lists[i].name, name) == 0) {
            return read_list(s, v, &lists[i], error);
        }
    }
    return complain(error, name, "nobody knows this");
}

static void set_defaults(struct sim_scenario *s)
{
    *s = (struct sim_scenario){.name = "unnamed",
                               .seed = 1,
                               .duration_s = 85,
                               .window_s = 10,
                               .start_spread_s = 1,
                               .topology = SIM_SMALL_WORLD,
                               .nodes = 100,
                               .branches = 2,
                               .k = 6,
                               .p = 0.1,
                               .m = 2,
                               .cap = 200,
                               .degree = 6,
                               .delay_ms = {10, 90},
                               .queue_ms = 200,
                               .churn_up_s = 300,
                               .churn_down_s = 60};
    for (size_t i = 0; i < SIM_LIST_MAX; i++) {
        s->probe[i] = (struct sim_probe_plan){.at_s = 60,
                                              .pairs = 1000,
                                              .spread_s = 2,
                                              .wait_s = 10,
                                              .follow_s = 10,
                                              .node = SIM_NOBODY};
        s->partition[i] = (struct sim_partition_plan){.fraction = 0.5};
        s->evil[i] = (struct sim_evil_plan){.kind = SIM_LIE, .rate = 200, .victim = SIM_NOBODY};
    }
    s->probes = 1;
}

static int check(const struct sim_scenario *s, char *error)
{
    if (s->window_s < 0.01) {
        return complain(error, "window_s", "at least 0.01");
    }
    if (s->nodes < 2 && s->topology != SIM_FILE) {
        return complain(error, "nodes", "at least 2");
    }
    if (s->churn_fraction > 0 && (s->churn_up_s < 1 || s->churn_down_s < 1)) {
        return complain(error, "churn", "times of at least a second");
    }
    for (uint32_t i = 0; i < s->probes; i++) {
        if (s->probe[i].wait_s < 1) {
            return complain(error, "wait_s", "at least a second");
        }
    }
    for (uint32_t i = 0; i < s->evils; i++) {
        const struct sim_evil_plan *plan = &s->evil[i];
        if (plan->place != SIM_PLACE_RANDOM && plan->victim == SIM_NOBODY) {
            return complain(error, "place", "near or around whom: a victim is missing");
        }
    }
    return 0;
}

int sim_scenario_read(struct sim_scenario *out, const json_t *root, char *error)
{
    const char *name;
    json_t *member;

    set_defaults(out);
    if (!json_is_object(root)) {
        return complain(error, "scenario", "an object");
    }
    json_object_foreach((json_t *)(uintptr_t)root, name, member)
    {
        int err = read_member(out, name, member, error);
        if (err) {
            return err;
        }
    }
    return check(out, error);
}

int sim_scenario_override(json_t *root, const char *assignment, char *error)
{
    const char *equals = strchr(assignment, '=');
    char path[128];
    char *save;

    if (!equals || (size_t)(equals - assignment) >= sizeof path) {
        return complain(error, assignment, "not of the form name=value");
    }
    snprintf(path, sizeof path, "%.*s", (int)(equals - assignment), assignment);
    json_t *value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
    if (!value) {
        value = json_string(equals + 1);
    }
    json_t *at = root;
    char *part = strtok_r(path, ".", &save);
    for (char *next; part && (next = strtok_r(NULL, ".", &save)); part = next) {
        if (!json_is_object(json_object_get(at, part))) {
            json_object_set_new(at, part, json_object());
        }
        at = json_object_get(at, part);
    }
    if (!part) {
        json_decref(value);
        return complain(error, assignment, "has no name");
    }
    if (!value || json_object_set_new(at, part, value) != 0) {
        return complain(error, assignment, "cannot be set");
    }
    return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static json_t *write_field(const void *object, const struct field *f)
{
    const void *at = (const char *)object + f->offset;

    switch (f->type) {
    case NODE:
        if (*(const uint32_t *)at == SIM_NOBODY) {
            return json_null();
        }
        return json_integer(*(const uint32_t *)at);
    case U32:
        return json_integer(*(const uint32_t *)at);
    case U64:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case REAL:
        return json_real(*(const double *)at);
    case RANGE:
        return json_pack("[f, f]", ((const double *)at)[0], ((const double *)at)[1]);
    case TEXT:
        return json_string(at);
    case TOPOLOGY:
        return json_string(topologies[*(const enum sim_topology *)at]);
    case EVIL:
        return json_string(evils[*(const enum sim_evil *)at]);
    case PLACE:
        return json_string(places[*(const enum sim_place *)at]);
    }
    return NULL;
}

static void write_fields(json_t *to, const void *object, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(to, fields[i].name, write_field(object, &fields[i]));
    }
}

json_t *sim_scenario_json(const struct sim_scenario *s)
{
    json_t *root = json_object();

    write_fields(root, s, root_fields, COUNT(root_fields));
    for (size_t i = 1; i < COUNT(sections); i++) {
        json_t *section = json_object();
        write_fields(section, s, sections[i].fields, sections[i].count);
        json_object_set_new(root, sections[i].name, section);
    }
    for (size_t i = 0; i < COUNT(lists); i++) {
        const struct list *l = &lists[i];
        uint32_t n = *(const uint32_t *)(const void *)((const char *)s + l->length);
        json_t *list = json_array();
        for (uint32_t k = 0; k < n; k++) {
            json_t *element = json_object();
            write_fields(element, (const char *)s + l->offset + k * l->size, l->fields, l->count);
            json_array_append_new(list, element);
        }
        json_object_set_new(root, l->name, list);
    }
    return root;
}

/* --- the graph -------------------------------------------------------------------------------- */

static int generate(const struct sim_scenario *s, struct sim_graph *g, struct sim_random *r,
                    char *error)
{
    switch (s->topology) {
    case SIM_CHAIN:
        return sim_graph_chain(g);
    case SIM_RING:
        return sim_graph_ring(g);
    case SIM_GRID:
        return sim_graph_grid(g, s->width);
    case SIM_STAR:
        return sim_graph_star(g);
    case SIM_TREE:
        return sim_graph_tree(g, s->branches);
    case SIM_GEOMETRIC:
        return sim_graph_geometric(g, s->radius, s->degree, r);
    case SIM_SMALL_WORLD:
        return sim_graph_small_world(g, s->k, s->p, r);
    case SIM_POWER_LAW:
        return sim_graph_power_law(g, s->m, s->cap, r);
    case SIM_FILE:
        return sim_graph_load(g, s->file, error);
    }
    return CJD_ERR_INVALID;
}

int sim_scenario_graph(const struct sim_scenario *s, struct sim_graph *out, char *error)
{
    struct sim_random r;

    sim_random_init(&r, s->seed, 1);
    sim_graph_init(out, s->nodes);
    snprintf(error, ERROR_BYTES, "a %s cannot be made of these numbers",
             sim_topology_text(s->topology));
    int err = generate(s, out, &r, error);
    if (err) {
        sim_graph_fini(out);
        return err;
    }
    uint64_t low = (uint64_t)(s->delay_ms[0] * (double)CJD_MS);
    uint64_t high = (uint64_t)(s->delay_ms[1] * (double)CJD_MS);
    for (uint32_t i = 0; i < out->edges; i++) {
        if (out->edge[i].delay_ns == SIM_DELAY_UNSET) {
            out->edge[i].delay_ns = sim_random_between(&r, low, high);
        }
    }
    return 0;
}
