/*
 * The inode of the socket from net/udp, net/tcp and their like, then the process that has a
 * descriptor of it.
 */
#include <cjd/holder.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTENING 10u

/* How these tables write an address: each 32-bit word as a number of the machine. */
static void table_form(const struct cjd_holder_port *port, char out[33])
{
    size_t words = port->family == 4 ? 1 : 4;

    for (size_t i = 0; i < words; i++) {
        uint32_t word;
        memcpy(&word, port->ip + 4 * i, sizeof word);
        snprintf(out + 8 * i, 9, "%08" PRIX32, word);
    }
}

static bool is_zeros(const char *hex)
{
    return hex[strspn(hex, "0")] == '\0';
}

/* Whether two sockets of one port get in each other's way. "": any address. */
static bool do_collide(const char *mine, const char *theirs)
{
    return mine[0] == '\0' || is_zeros(mine) || is_zeros(theirs) || strcmp(mine, theirs) == 0;
}

/* Inode of the socket in one table that holds the port; 0: none. */
static unsigned long find_inode(const char *proc, const char *table,
                                const struct cjd_holder_port *wanted, const char *ip)
{
    char path[256];
    char line[512];
    char their_ip[65];
    unsigned port;
    unsigned state;
    unsigned long inode;
    unsigned long found = 0;

    snprintf(path, sizeof path, "%s/net/%s", proc, table);
    FILE *file = fopen(path, "re");
    if (!file) {
        return 0;
    }
    while (found == 0 && fgets(line, sizeof line, file)) {
        int n = sscanf(line, " %*u: %64[0-9A-F]:%x %*s %x %*s %*s %*s %*u %*u %lu", their_ip, &port,
                       &state, &inode);
        if (n == 4 && port == wanted->port && (!wanted->is_tcp || state == LISTENING) &&
            do_collide(ip, their_ip)) {
            found = inode;
        }
    }
    fclose(file);
    return found;
}

static bool has_socket(const char *proc, const char *pid, const char *wanted)
{
    char path[512];
    char target[64];
    bool found = false;

    snprintf(path, sizeof path, "%s/%s/fd", proc, pid);
    DIR *dir = opendir(path);
    if (!dir) {
        return false;
    }
    for (const struct dirent *d = readdir(dir); d && !found; d = readdir(dir)) {
        ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        found = strcmp(target, wanted) == 0;
    }
    closedir(dir);
    return found;
}

static void read_name(const char *proc, const char *pid, char *out, size_t cap)
{
    char path[512];

    out[0] = '\0';
    snprintf(path, sizeof path, "%s/%s/comm", proc, pid);
    FILE *file = fopen(path, "re");
    if (file) {
        if (!fgets(out, (int)cap, file)) {
            out[0] = '\0';
        }
        fclose(file);
    }
    /* A process names itself: nothing but plain text goes into our message. */
    out[strspn(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/")] = '\0';
}

static void describe(const char *proc, const char *pid, char *out, size_t cap)
{
    char name[24];

    if (strtol(pid, NULL, 10) == (long)getpid()) {
        snprintf(out, cap, "this process itself (another plugin, with the same address)");
        return;
    }
    read_name(proc, pid, name, sizeof name);
    snprintf(out, cap, "process %s%s%s%s", pid, name[0] ? " (" : "", name, name[0] ? ")" : "");
}

static bool find_process(const char *proc, unsigned long inode, char *out, size_t cap)
{
    char wanted[64];
    bool found = false;
    DIR *dir = opendir(proc);

    if (!dir) {
        return false;
    }
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    for (const struct dirent *d = readdir(dir); d && !found; d = readdir(dir)) {
        bool is_pid = d->d_name[0] != '\0' && d->d_name[strspn(d->d_name, "0123456789")] == '\0';
        found = is_pid && has_socket(proc, d->d_name, wanted);
        if (found) {
            describe(proc, d->d_name, out, cap);
        }
    }
    closedir(dir);
    return found;
}

bool cjd_holder_find(const char *proc, const struct cjd_holder_port *port, char *out, size_t cap)
{
    const char *table4 = port->is_tcp ? "tcp" : "udp";
    const char *table6 = port->is_tcp ? "tcp6" : "udp6";
    char ip[33];

    table_form(port, ip);
    unsigned long inode = find_inode(proc, port->family == 4 ? table4 : table6, port, ip);
    if (inode == 0 && port->family == 4) {
        /* A socket of both families on [::] also takes the IPv4 port. */
        inode = find_inode(proc, table6, port, "00000000000000000000000000000000");
    }
    return inode != 0 && find_process(proc, inode, out, cap);
}
