/* A new content for a file: what stays, what is kept beside it, and when nothing is touched. */
#include <testlib/testlib.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <daemon/rewrite.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/cjd-rewrite-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *out = paths[next++ % 4];

    snprintf(out, sizeof paths[0], "%s/%s", folder, name);
    return out;
}

static void put(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static void assert_text(const char *name, const char *want)
{
    char text[256] = "";
    FILE *file = fopen(path_of(name), "r");

    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    fclose(file);
    assert_string_equal(text, want);
}

static struct stat stat_of(const char *name)
{
    struct stat st;

    assert_int_equal(stat(path_of(name), &st), 0);
    return st;
}

static int rewrite(const char *name, const char *old, const char *text)
{
    FILE *err = tmpfile();
    struct cjd_rewrite r;

    int result = cjd_rewrite_open(&r, path_of(name), err);
    if (result == 0) {
        result = cjd_rewrite_commit(&r, old, strlen(old), text, strlen(text), err);
        cjd_rewrite_close(&r);
    }
    assert_true((result == 0) == (ftell(err) == 0));
    fclose(err);
    return result;
}

static void replaced(void **state)
{
    put("a", "old", 0640);
    put("a.bak", "older", 0600);
    struct stat before = stat_of("a");
    assert_int_equal(rewrite("a", "old", "new"), 0);
    struct stat after = stat_of("a");

    (void)state;
    assert_text("a", "new");
    assert_text("a.bak", "old");
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(stat_of("a.bak").st_mode, before.st_mode);
    assert_int_equal(after.st_gid, before.st_gid);
    assert_true(after.st_ino != before.st_ino);
}

/* Longer, shorter; the same file afterwards. */
static void in_place(void **state)
{
    put("a", "old", 0644);
    assert_int_equal(link(path_of("a"), path_of("b")), 0);
    struct stat before = stat_of("a");

    (void)state;
    assert_int_equal(rewrite("a", "old", "a longer text"), 0);
    assert_text("b", "a longer text");
    assert_text("a.bak", "old");
    assert_int_equal(rewrite("a", "a longer text", "x"), 0);
    assert_text("b", "x");
    assert_int_equal(stat_of("a").st_ino, before.st_ino);
}

/* What only root can read stays within reach of who has it open. */
static void of_root(void **state)
{
    put("a", "old", 0600);
    struct stat before = stat_of("a");

    (void)state;
    assert_int_equal(rewrite("a", "old", "new"), 0);
    assert_text("a", "new");
    assert_true((stat_of("a").st_ino == before.st_ino) == (geteuid() == 0));
}

static void behind_a_link(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("d"), 0700), 0);
    put("d/real", "old", 0644);
    assert_int_equal(symlink("d/real", path_of("a")), 0);
    assert_int_equal(rewrite("a", "old", "new"), 0);
    assert_text("d/real", "new");
    assert_text("d/real.bak", "old");
    struct stat st;
    assert_int_equal(lstat(path_of("a"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

/* The copy does not go where a link in its place leads to. */
static void link_as_backup(void **state)
{
    (void)state;
    put("a", "old", 0644);
    put("victim", "whole", 0644);
    assert_int_equal(symlink("victim", path_of("a.bak")), 0);
    assert_int_equal(rewrite("a", "old", "new"), 0);
    assert_text("victim", "whole");
    assert_text("a.bak", "old");
}

static void refused(void **state)
{
    struct cjd_rewrite r;
    FILE *err = fopen("/dev/null", "w");

    (void)state;
    assert_int_equal(rewrite("nothing", "", ""), CJD_ERR_NOT_FOUND);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_int_equal(rewrite("pipe", "", ""), CJD_ERR_INVALID);
    assert_true(rewrite("", "", "") < 0);
    put("a", "old", 0644);
    assert_int_equal(cjd_rewrite_open(&r, path_of("a"), err), 0);
    assert_int_equal(rewrite("a", "old", "new"), CJD_ERR_AGAIN);
    cjd_rewrite_close(&r);
    assert_text("a", "old");
    assert_int_equal(access(path_of("a.bak"), F_OK), -1);
    fclose(err);
}

/* Without a copy nothing is changed. */
static void no_copy(void **state)
{
    (void)state;
    put("a", "old", 0644);
    assert_int_equal(mkdir(path_of("a.bak"), 0700), 0);
    assert_true(rewrite("a", "old", "new") < 0);
    assert_text("a", "old");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {TEST(replaced),      TEST(in_place),       TEST(of_root),
                                       TEST(behind_a_link), TEST(link_as_backup), TEST(refused),
                                       TEST(no_copy)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
