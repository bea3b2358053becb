/*
 * Graphs from files. GraphML is read by expat: it is small, in every distribution, hands out
 * elements one by one (a graph of a million links needs no tree in memory), fetches nothing, and
 * limits entity expansion of itself.
 */
#include <sim/graph.h>

#include <expat.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/time.h>

#define ERROR_BYTES 256
#define NODES_MAX   1000000u

/* Names in the order of their first use. */
struct names {
    json_t *index;
    uint32_t count;
};

static uint32_t number_of(struct names *n, const char *name)
{
    const json_t *v = json_object_get(n->index, name);

    if (v) {
        return (uint32_t)json_integer_value(v);
    }
    json_object_set_new(n->index, name, json_integer(n->count));
    return n->count++;
}

static uint64_t delay_of(const char *text)
{
    char *end;
    double ms = strtod(text, &end);

    return end == text || ms < 0 || ms > 1e6 ? SIM_DELAY_UNSET
                                             : (uint64_t)(ms * (double)CJD_MS + 0.5);
}

/* One line of a list. False: neither empty nor a link. */
static bool take_line(struct sim_graph *g, struct names *names, char *line)
{
    char *save;

    line[strcspn(line, "#\r\n")] = 0;
    const char *from = strtok_r(line, " \t,;", &save);
    const char *to = from ? strtok_r(NULL, " \t,;", &save) : NULL;
    const char *delay = to ? strtok_r(NULL, " \t,;", &save) : NULL;
    uint64_t delay_ns = delay ? delay_of(delay) : SIM_DELAY_UNSET;

    if (!from) {
        return true;
    }
    if (!to || (delay && delay_ns == SIM_DELAY_UNSET) || names->count + 2 > NODES_MAX) {
        return false;
    }
    uint32_t a = number_of(names, from);
    uint32_t b = number_of(names, to);
    if (a != b) {
        sim_graph_add(g, a, b, delay_ns);
    }
    return true;
}

static int load_list(struct sim_graph *g, struct names *names, FILE *file, char *error)
{
    char line[1024];

    for (unsigned number = 1; fgets(line, sizeof line, file); number++) {
        if (!take_line(g, names, line)) {
            snprintf(error, ERROR_BYTES, "line %u is no link: \"from to [delay in ms]\"", number);
            return CJD_ERR_PARSE;
        }
    }
    return 0;
}

/* --- GraphML ---------------------------------------------------------------------------------- */

struct graphml {
    struct sim_graph *g;
    struct names names;
    XML_Parser parser;
    char delay_key[64]; /* the key whose name is delay, delay_ms or latency */
    bool is_in_edge;
    bool is_in_delay;
    char text[64]; /* of the delay */
    size_t text_len;
    const char *bad;
};

static const char *attribute(const char **attributes, const char *name)
{
    for (; attributes[0]; attributes += 2) {
        if (strcmp(attributes[0], name) == 0) {
            return attributes[1];
        }
    }
    return NULL;
}

static void refuse(struct graphml *x, const char *why)
{
    x->bad = why;
    XML_StopParser(x->parser, XML_FALSE);
}

static void begin_key(struct graphml *x, const char **attributes)
{
    const char *id = attribute(attributes, "id");
    const char *name = attribute(attributes, "attr.name");

    if (id && name && strlen(id) < sizeof x->delay_key &&
        (strcmp(name, "delay") == 0 || strcmp(name, "delay_ms") == 0 ||
         strcmp(name, "latency") == 0)) {
        strcpy(x->delay_key, id);
    }
}

static void begin_edge(struct graphml *x, const char **attributes)
{
    const char *from = attribute(attributes, "source");
    const char *to = attribute(attributes, "target");

    if (!from || !to || x->names.count + 2 > NODES_MAX) {
        refuse(x, "a link without source or target");
        return;
    }
    uint32_t a = number_of(&x->names, from);
    uint32_t b = number_of(&x->names, to);
    x->is_in_edge = a != b;
    if (a != b) {
        sim_graph_add(x->g, a, b, SIM_DELAY_UNSET);
    }
}

static void begin(void *ctx, const char *name, const char **attributes)
{
    struct graphml *x = ctx;

    if (strcmp(name, "key") == 0) {
        begin_key(x, attributes);
    } else if (strcmp(name, "node") == 0) {
        const char *id = attribute(attributes, "id");
        if (!id || x->names.count >= NODES_MAX) {
            refuse(x, "a node without id, or too many");
            return;
        }
        (void)number_of(&x->names, id);
    } else if (strcmp(name, "edge") == 0) {
        begin_edge(x, attributes);
    } else if (strcmp(name, "data") == 0 && x->is_in_edge) {
        const char *key = attribute(attributes, "key");
        x->is_in_delay = key && x->delay_key[0] && strcmp(key, x->delay_key) == 0;
        x->text_len = 0;
    }
}

static void take_text(void *ctx, const char *text, int len)
{
    struct graphml *x = ctx;

    if (x->is_in_delay && x->text_len + (size_t)len < sizeof x->text) {
        memcpy(x->text + x->text_len, text, (size_t)len);
        x->text_len += (size_t)len;
    }
}

static void end(void *ctx, const char *name)
{
    struct graphml *x = ctx;

    if (strcmp(name, "data") == 0 && x->is_in_delay) {
        x->text[x->text_len] = 0;
        uint64_t delay_ns = delay_of(x->text);
        if (delay_ns == SIM_DELAY_UNSET) {
            refuse(x, "a delay that is no number of milliseconds");
            return;
        }
        x->g->edge[x->g->edges - 1].delay_ns = delay_ns;
        x->is_in_delay = false;
    } else if (strcmp(name, "edge") == 0) {
        x->is_in_edge = false;
    }
}

static int feed(struct graphml *x, FILE *file)
{
    char bytes[16384];
    size_t n;

    do {
        n = fread(bytes, 1, sizeof bytes, file);
        if (XML_Parse(x->parser, bytes, (int)n, n < sizeof bytes) != XML_STATUS_OK) {
            return CJD_ERR_PARSE;
        }
    } while (n == sizeof bytes);
    return 0;
}

static int load_graphml(struct sim_graph *g, struct names *names, FILE *file, char *error)
{
    struct graphml x = {.g = g, .names = *names, .parser = XML_ParserCreate(NULL)};

    if (!x.parser) {
        return CJD_ERR_NO_MEMORY;
    }
    XML_SetUserData(x.parser, &x);
    XML_SetElementHandler(x.parser, begin, end);
    XML_SetCharacterDataHandler(x.parser, take_text);
    int err = feed(&x, file);
    if (err) {
        snprintf(error, ERROR_BYTES, "line %lu: %s",
                 (unsigned long)XML_GetCurrentLineNumber(x.parser),
                 x.bad ? x.bad : XML_ErrorString(XML_GetErrorCode(x.parser)));
    }
    XML_ParserFree(x.parser);
    *names = x.names;
    return err;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text);
    size_t m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

int sim_graph_load(struct sim_graph *g, const char *path, char *error)
{
    struct names names = {.index = json_object()};
    FILE *file = fopen(path, "rb");
    int err;

    if (!file || !names.index) {
        snprintf(error, ERROR_BYTES, "%s: %m", path);
        err = CJD_ERR_IO;
    } else if (ends_with(path, ".graphml") || ends_with(path, ".xml")) {
        err = load_graphml(g, &names, file, error);
    } else {
        err = load_list(g, &names, file, error);
    }
    if (file) {
        fclose(file);
    }
    json_decref(names.index);
    g->nodes = names.count;
    if (!err && g->nodes == 0) {
        snprintf(error, ERROR_BYTES, "%s: no nodes", path);
        err = CJD_ERR_PARSE;
    }
    return err;
}
