/* Sockets of this machine: stale ones are replaced, held ones are left, tokens are for few eyes. */
#include "http_fixture.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fake_host.h>
#include <sodium.h>

#include "http_listen.h"

struct world {
    char folder[64];
    char path[96];
    struct cjd_fake_host *fake;
    struct cjd_logger log;
    struct cjd_http_listen listen;
    struct cjd_http_why why;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    strcpy(w->folder, "/tmp/cjd-http-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/api.sock", w->folder);
    w->fake = cjd_fake_new();
    cjd_logger_init(&w->log, &w->fake->host);
    w->listen = (struct cjd_http_listen){.place = CJD_HTTP_UNIX,
                                         .text = w->path,
                                         .path = w->path,
                                         .mode = 0660,
                                         .group = CJD_HTTP_NO_ID};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    unlink(w->path);
    rmdir(w->folder);
    cjd_fake_free(w->fake);
    free(w);
    return 0;
}

static int open_it(struct world *w)
{
    const struct cjd_addr own = {0};
    return cjd_http_listen_open(&w->listen, &own, &w->log, &w->why);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 0777;
}

static void test_mode_and_removal(void **state)
{
    struct world *w = *state;
    int fd = open_it(w);

    assert_true(fd >= 0);
    assert_int_equal(mode_of(w->path), 0660);
    uint64_t inode = cjd_http_listen_inode(&w->listen);
    /* One of the same name that is not ours stays. */
    cjd_http_listen_remove(&w->listen, inode + 1);
    assert_int_equal(access(w->path, F_OK), 0);
    cjd_http_listen_remove(&w->listen, inode);
    close(fd);
    assert_int_not_equal(access(w->path, F_OK), 0);
    assert_int_equal(cjd_http_listen_inode(&w->listen), 0);
    cjd_http_listen_remove(&w->listen, 0);
}

static void test_missing_group(void **state)
{
    struct world *w = *state;

    w->listen.group_missing = (char[]){"no-such-group"};
    int fd = open_it(w);
    assert_true(fd >= 0);
    assert_int_equal(mode_of(w->path), 0600);
    assert_int_equal(cjd_fake_logged(w->fake, CJD_LEVEL_INFO, "no-such-group"), 1);
    close(fd);
}

static void test_held(void **state)
{
    struct world *w = *state;
    char pid[32];
    int fd = open_it(w);

    assert_true(fd >= 0);
    assert_int_equal(open_it(w), CJD_ERR_BUSY);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(w->why.text, pid));
    assert_int_equal(access(w->path, F_OK), 0);
    close(fd);
}

static void test_stale(void **state)
{
    struct world *w = *state;
    int fd = open_it(w);

    close(fd); /* its holder is gone, the file is not */
    assert_int_equal(access(w->path, F_OK), 0);
    fd = open_it(w);
    assert_true(fd >= 0);
    close(fd);
}

static void test_not_a_socket(void **state)
{
    struct world *w = *state;
    int file = open(w->path, O_CREAT | O_WRONLY, 0600);

    assert_true(file >= 0);
    close(file);
    assert_int_equal(open_it(w), CJD_ERR_EXISTS);
    assert_non_null(strstr(w->why.text, "no socket"));
    assert_int_equal(access(w->path, F_OK), 0);
}

static void test_folder(void **state)
{
    struct world *w = *state;
    char deep[200];
    char folder[128];

    snprintf(folder, sizeof folder, "%s/run", w->folder);
    snprintf(deep, sizeof deep, "%s/api.sock", folder);
    w->listen.path = deep;
    int fd = open_it(w);
    assert_true(fd >= 0);
    close(fd);
    unlink(deep);
    assert_int_equal(rmdir(folder), 0);
}

static void test_taken_port(void **state)
{
    struct world *w = *state;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    int other = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(other, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(other, 1), 0);
    assert_int_equal(getsockname(other, (struct sockaddr *)&name, &len), 0);
    w->listen.place = CJD_HTTP_TCP;
    w->listen.at.family = 4;
    memcpy(w->listen.at.ip, (uint8_t[]){127, 0, 0, 1}, 4);
    w->listen.at.port = ntohs(name.sin_port);
    assert_int_equal(open_it(w), CJD_ERR_BUSY);
    assert_non_null(strstr(w->why.text, "this process itself"));
    close(other);
    int fd = open_it(w);
    assert_true(fd >= 0);
    close(fd);
}

/* The node's address may come later. */
static void test_mesh(void **state)
{
    struct world *w = *state;
    const struct cjd_addr own = {.b = {0xfc, 0x12, [15] = 1}};

    w->listen.place = CJD_HTTP_MESH;
    w->listen.at.family = 6;
    int fd = cjd_http_listen_open(&w->listen, &own, &w->log, &w->why);
    if (fd < 0) {
        fail_msg("%s", w->why.text);
    }
    close(fd);
}

static void test_token(void **state)
{
    struct world *w = *state;
    struct cjd_http_token token = {0};
    struct cjd_http_token second = {0};
    char text[128] = "Bearer ";

    assert_int_equal(cjd_http_token_make(&token, &w->fake->host, w->path, &w->why), 0);
    assert_int_equal(mode_of(w->path), 0600);
    FILE *file = fopen(w->path, "r");
    assert_non_null(fgets(text + 7, sizeof text - 7, file));
    fclose(file);
    assert_int_equal(strlen(text), 7 + 4 + 64 + 1);
    text[strlen(text) - 1] = '\0';
    assert_ptr_equal(cjd_http_token_find(&token, 1, text, 1), &token);
    assert_int_equal(token.scopes, CJD_RPC_ALL | CJD_HTTP_METRICS);
    /* Another one each time. */
    assert_int_equal(cjd_http_token_make(&second, &w->fake->host, w->path, &w->why), 0);
    assert_int_equal(mode_of(w->path), 0600);
    assert_null(cjd_http_token_find(&second, 1, text, 1));
    free(token.name);
    free(second.name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mode_and_removal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_held, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_a_socket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_taken_port, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mesh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_token, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
