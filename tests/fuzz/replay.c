/*
 * Runs a fuzz target without a fuzzer: first every file of a corpus folder, then seeded mutations
 * of them. Each mutation depends only on the seed and its number, so a failure is reproduced by
 *     fuzz_x --seed S --only NUMBER corpus/x
 * When the target dies, seed, number and input are printed.
 *
 *     fuzz_x [--runs N] [--seed S] [--only NUMBER] FOLDER
 * CJD_FUZZ_RUNS in the environment sets N and lifts the limit on time.
 */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX       4096u
#define FILES_MAX       1024u
#define DEFAULT_RUNS    200000u
#define DEFAULT_SECONDS 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Of the sanitizers' run time, where there is one. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
const char *__ubsan_default_options(void);

struct input {
    size_t len;
    uint8_t bytes[INPUT_MAX];
};

struct options {
    uint64_t seed;
    uint64_t runs;
    uint64_t only; /* UINT64_MAX: all */
    bool has_limit;
    const char *folder;
};

struct corpus {
    struct input *v;
    size_t count;
};

/* What is being run; read when the target dies, where nothing can be passed. */
static struct {
    uint64_t seed;
    uint64_t run;
    char file[256];
    struct input input;
} now;

/* Asked by the sanitizer, which knows no call-back of its own: it is to raise SIGABRT. */
const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15ull;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t bound)
{
    return (size_t)(next_random(state) % bound);
}

/* Only what may be called from a signal handler. */
static void report(void)
{
    static const char digits[] = "0123456789abcdef";
    char head[400];
    int n = snprintf(head, sizeof head, "\nfuzz target died: %s%sseed %llu run %llu, %zu bytes:\n",
                     now.file, now.file[0] ? ", " : "", (unsigned long long)now.seed,
                     (unsigned long long)now.run, now.input.len);
    char hex[2 * INPUT_MAX + 1];

    for (size_t i = 0; i < now.input.len; i++) {
        hex[2 * i] = digits[now.input.bytes[i] >> 4];
        hex[2 * i + 1] = digits[now.input.bytes[i] & 15];
    }
    hex[2 * now.input.len] = '\n';
    if (write(STDERR_FILENO, head, (size_t)n) < 0 ||
        write(STDERR_FILENO, hex, 2 * now.input.len + 1) < 0) {
        _exit(70);
    }
}

static void on_signal(int number)
{
    report();
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_death(void)
{
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(report);
    } else {
        signal(SIGSEGV, on_signal);
        signal(SIGBUS, on_signal);
    }
    signal(SIGABRT, on_signal);
}

static void run_target(const struct input *input)
{
    /* A buffer of exactly the size, so that a sanitizer sees the first byte too far. */
    uint8_t *copy = malloc(input->len ? input->len : 1);

    if (!copy) {
        abort();
    }
    memcpy(copy, input->bytes, input->len);
    (void)LLVMFuzzerTestOneInput(copy, input->len);
    free(copy);
}

static void insert(struct input *in, size_t at, const uint8_t *bytes, size_t len)
{
    if (len > INPUT_MAX - in->len) {
        len = INPUT_MAX - in->len;
    }
    memmove(in->bytes + at + len, in->bytes + at, in->len - at);
    memcpy(in->bytes + at, bytes, len);
    in->len += len;
}

static void erase(struct input *in, size_t at, size_t len)
{
    if (len > in->len - at) {
        len = in->len - at;
    }
    memmove(in->bytes + at, in->bytes + at + len, in->len - at - len);
    in->len -= len;
}

/* Values at which lengths and counters like to break. */
static void set_edge(struct input *in, uint64_t *rng)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '0',
                                    '9',  ':',  'd',  'e',  '"',  '{'};
    size_t at = below(rng, in->len);
    size_t len = 1 + below(rng, 4);

    for (size_t i = at; i < at + len && i < in->len; i++) {
        in->bytes[i] = edges[below(rng, sizeof edges)];
    }
}

static void insert_random(struct input *in, uint64_t *rng)
{
    uint8_t bytes[16];
    size_t len = 1 + below(rng, sizeof bytes);

    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)next_random(rng);
    }
    insert(in, below(rng, in->len + 1), bytes, len);
}

static void insert_piece(struct input *in, uint64_t *rng, const struct input *of)
{
    uint8_t piece[INPUT_MAX];

    if (of->len == 0) {
        return;
    }
    size_t from = below(rng, of->len);
    size_t len = 1 + below(rng, of->len - from);
    memcpy(piece, of->bytes + from, len);
    insert(in, below(rng, in->len + 1), piece, len);
}

static void mutate_once(struct input *in, uint64_t *rng, const struct corpus *corpus)
{
    if (in->len == 0) {
        insert_random(in, rng);
        return;
    }
    switch (below(rng, 8)) {
    case 0:
        in->bytes[below(rng, in->len)] ^= (uint8_t)(1u << below(rng, 8));
        break;
    case 1:
        in->bytes[below(rng, in->len)] = (uint8_t)next_random(rng);
        break;
    case 2:
        set_edge(in, rng);
        break;
    case 3:
        insert_random(in, rng);
        break;
    case 4:
        erase(in, below(rng, in->len), 1 + below(rng, 16));
        break;
    case 5:
        in->len = below(rng, in->len + 1);
        break;
    case 6:
        insert_piece(in, rng, in);
        break;
    default:
        insert_piece(in, rng, &corpus->v[below(rng, corpus->count)]);
        break;
    }
}

static void run_mutation(const struct corpus *corpus, uint64_t seed, uint64_t number)
{
    uint64_t rng = seed * 0x9e3779b97f4a7c15ull + number;
    size_t rounds = 1 + below(&rng, 8);

    now.run = number;
    now.file[0] = '\0';
    now.input = corpus->v[below(&rng, corpus->count)];
    for (size_t i = 0; i < rounds; i++) {
        mutate_once(&now.input, &rng, corpus);
    }
    run_target(&now.input);
}

/* --- corpus -------------------------------------------------------------------------------------
 */

static bool read_input(struct input *out, const char *path)
{
    FILE *file = fopen(path, "rb");

    if (!file) {
        return false;
    }
    out->len = fread(out->bytes, 1, INPUT_MAX, file);
    fclose(file);
    return true;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Files in the order of their names, so that numbers mean the same everywhere. An empty input
 * stands in for a missing or empty folder. */
static void load_corpus(struct corpus *out, const char *folder)
{
    struct dirent **names = NULL;
    int found = folder ? scandir(folder, &names, is_visible, alphasort) : 0;

    out->count = 0;
    out->v = calloc(FILES_MAX + 1, sizeof *out->v);
    if (!out->v) {
        abort();
    }
    for (int i = 0; i < found; i++) {
        snprintf(now.file, sizeof now.file, "%.100s/%.100s", folder, names[i]->d_name);
        if (out->count < FILES_MAX && read_input(&out->v[out->count], now.file)) {
            now.input = out->v[out->count++];
            run_target(&now.input);
        }
        free(names[i]);
    }
    free(names);
    printf("%zu files of the corpus\n", out->count);
    out->count += out->count == 0;
}

/* --- command line -------------------------------------------------------------------------------
 */

static bool parse_options(struct options *out, int argc, char **argv)
{
    const char *runs = getenv("CJD_FUZZ_RUNS");

    *out = (struct options){.seed = 1, .runs = DEFAULT_RUNS, .only = UINT64_MAX};
    out->has_limit = !runs;
    if (runs) {
        out->runs = strtoull(runs, NULL, 10);
    }
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (has_value && strcmp(argv[i], "--runs") == 0) {
            out->runs = strtoull(argv[++i], NULL, 10);
        } else if (has_value && strcmp(argv[i], "--seed") == 0) {
            out->seed = strtoull(argv[++i], NULL, 10);
        } else if (has_value && strcmp(argv[i], "--only") == 0) {
            out->only = strtoull(argv[++i], NULL, 10);
        } else if (argv[i][0] != '-' && !out->folder) {
            out->folder = argv[i];
        } else {
            return false;
        }
    }
    return true;
}

static uint64_t run_mutations(const struct corpus *corpus, const struct options *o)
{
    time_t end = time(NULL) + DEFAULT_SECONDS;
    uint64_t i;

    for (i = 0; i < o->runs; i++) {
        if (o->has_limit && i % 64 == 0 && time(NULL) >= end) {
            break;
        }
        run_mutation(corpus, o->seed, i);
    }
    return i;
}

int main(int argc, char **argv)
{
    struct options o;
    struct corpus corpus;

    if (!parse_options(&o, argc, argv)) {
        fprintf(stderr, "usage: %s [--runs N] [--seed S] [--only NUMBER] FOLDER\n", argv[0]);
        return 64;
    }
    now.seed = o.seed;
    watch_death();
    load_corpus(&corpus, o.folder);
    if (o.only != UINT64_MAX) {
        run_mutation(&corpus, o.seed, o.only);
    } else {
        printf("%llu mutations, seed %llu\n", (unsigned long long)run_mutations(&corpus, &o),
               (unsigned long long)o.seed);
    }
    free(corpus.v);
    return 0;
}
