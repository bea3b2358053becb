#include <sim/statistics.h>

#include <math.h>
#include <stdlib.h>

#include <sim/memory.h>

void sim_samples_add(struct sim_samples *s, double value)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->value = sim_resize(s->value, s->cap * sizeof *s->value);
    }
    s->value[s->count++] = value;
}

void sim_samples_fini(struct sim_samples *s)
{
    sim_free_bytes(s->value);
    *s = (struct sim_samples){0};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double sim_samples_percentile(struct sim_samples *s, double percent)
{
    if (s->count == 0) {
        return 0;
    }
    qsort(s->value, s->count, sizeof *s->value, compare);
    double rank = ceil(percent / 100 * s->count);
    uint32_t at = rank < 1 ? 0 : (uint32_t)rank - 1;
    return s->value[at < s->count ? at : s->count - 1];
}

double sim_samples_mean(const struct sim_samples *s)
{
    double sum = 0;

    for (uint32_t i = 0; i < s->count; i++) {
        sum += s->value[i];
    }
    return s->count > 0 ? sum / s->count : 0;
}

json_t *sim_samples_json(struct sim_samples *s)
{
    return json_pack("{s:I, s:f, s:f, s:f, s:f}", "count", (json_int_t)s->count, "mean",
                     sim_samples_mean(s), "median", sim_samples_percentile(s, 50), "p95",
                     sim_samples_percentile(s, 95), "max", sim_samples_percentile(s, 100));
}
