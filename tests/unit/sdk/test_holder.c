/* Who holds a port, by tables in a /proc of our own. */
#include <testlib/testlib.h>

#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjd/endpoint.h>
#include <cjd/holder.h>

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_dir(const char *dir, const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

#define HEADER                                                                                     \
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
#define ROW_OF(ip, port, state, inode)                                                             \
    "  12: " ip ":" port " 00000000:0000 " state                                                   \
    " 00000000:00000000 00:00000000 00000000  0 0 " inode " 2 0000000000000000 0\n"
#define ROW(ip, port, inode) ROW_OF(ip, port, "07", inode)
#define ZERO6                "00000000000000000000000000000000"

static void make_proc(char *dir)
{
    char path[256];

    assert_non_null(mkdtemp(dir));
    make_dir(dir, "net");
    /* 127.0.0.1:5199 as this machine writes it: the word's number. */
    uint32_t loopback = htonl(0x7f000001);
    char rows[1024];
    snprintf(rows, sizeof rows, HEADER ROW("%08X", "144F", "1001") ROW("00000000", "0050", "1002"),
             loopback);
    write_file(dir, "net/udp", rows);
    write_file(dir, "net/udp6", HEADER ROW(ZERO6, "0051", "1003"));
    /* A connection is in nobody's way. */
    snprintf(rows, sizeof rows,
             HEADER ROW_OF("%08X", "2BE3", "01", "1003") ROW_OF("%08X", "2BE3", "0A", "1002"),
             loopback, loopback);
    write_file(dir, "net/tcp", rows);
    make_dir(dir, "77");
    make_dir(dir, "77/fd");
    write_file(dir, "77/comm", "other\n");
    make_dir(dir, "88");
    make_dir(dir, "88/fd");
    write_file(dir, "88/comm", "na\x1bme d\n");
    for (unsigned i = 1; i <= 3; i++) {
        char target[32];
        snprintf(target, sizeof target, "socket:[%u]", 1000 + i);
        snprintf(path, sizeof path, "%s/%s/fd/%u", dir, i == 3 ? "88" : "77", i);
        assert_int_equal(symlink(target, path), 0);
    }
}

static void remove_proc(const char *dir)
{
    char command[300];

    snprintf(command, sizeof command, "rm -r '%s'", dir);
    assert_int_equal(system(command), 0);
}

static void want(const char *dir, bool is_tcp, const char *addr, const char *wanted)
{
    struct cjd_endpoint at;
    const char *why;
    char holder[CJD_HOLDER_SIZE] = "";

    assert_int_equal(cjd_endpoint_parse(&at, addr, &why), 0);
    struct cjd_holder_port port = {
        .is_tcp = is_tcp, .family = at.family, .port = (uint16_t)at.port};
    memcpy(port.ip, at.ip, sizeof port.ip);
    bool found = cjd_holder_find(dir, &port, holder, sizeof holder);
    assert_int_equal(found, wanted != NULL);
    if (wanted) {
        assert_string_equal(holder, wanted);
    }
}

static void test_holder(void **state)
{
    char dir[] = "/tmp/cjd-proc-XXXXXX";

    (void)state;
    make_proc(dir);
    want(dir, false, "127.0.0.1:5199", "process 77 (other)");
    want(dir, false, "0.0.0.0:5199", "process 77 (other)"); /* in the way of "any" */
    want(dir, false, "192.0.2.1:80", "process 77 (other)"); /* "any" is in the way */
    want(dir, false, "192.0.2.1:5199", NULL);               /* another address */
    want(dir, false, "127.0.0.1:5200", NULL);               /* another port */
    want(dir, false, "[::]:81", "process 88 (na)");         /* a name of plain characters */
    want(dir, false, "192.0.2.1:81", "process 88 (na)");    /* both families on [::] */
    want(dir, false, "[::]:5199", NULL);
    want(dir, true, "127.0.0.1:11235", "process 77 (other)");
    want(dir, true, "0.0.0.0:11235", "process 77 (other)");
    want(dir, true, "127.0.0.1:5199", NULL);
    want(dir, false, "127.0.0.1:11235", NULL);
    remove_proc(dir);
    want(dir, false, "127.0.0.1:5199", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_holder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
