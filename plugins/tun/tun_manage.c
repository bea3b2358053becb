#include "tun_manage.h"

#include <stdio.h>

#include <cjd/text.h>

/* One job on a device, for the three steps below. */
struct job {
    const struct cjd_tun_manage_env *env;
    const char *device;
    const struct cjd_addr *own;
    uint32_t mtu;
    bool is_forced; /* always: do not compare */
    struct cjd_netif_state state;
    struct cjd_plugin_error *error;
};

/* Systems without IPv6, many containers among them, refuse addresses: that has a cure of its own.
 */
static bool is_ip6_off(const struct job *job)
{
    char path[256];
    char digit = '0';

    snprintf(path, sizeof path, "%s/sys/net/ipv6/conf/%s/disable_ipv6", job->env->paths->proc,
             job->device);
    FILE *file = fopen(path, "re");
    if (file) {
        digit = (char)fgetc(file);
        fclose(file);
    }
    return digit == '1';
}

static int fail(const struct job *job, int err, const char *what, const char *cure)
{
    return cjd_tun_fail(job->error, "/manage", err, "cannot set %s of device %s: %s; as root: %s",
                        what, job->device, cjd_err_text(err), cure);
}

static int set_mtu(const struct job *job)
{
    const struct cjd_netif_service *netif = job->env->netif;
    char cure[128];

    if (!job->is_forced && job->state.mtu == job->mtu) {
        return 0;
    }
    int err = netif->mtu_set(job->env->host, job->device, job->mtu);
    if (err == 0) {
        return 0;
    }
    snprintf(cure, sizeof cure, "ip link set dev %s mtu %u", job->device, job->mtu);
    return fail(job, err, "the MTU", cure);
}

static int set_address(const struct job *job)
{
    const struct cjd_netif_service *netif = job->env->netif;
    const struct cjd_host *host = job->env->host;
    char text[CJD_ADDR_TEXT_SIZE];
    char cure[128];

    if (!job->is_forced && netif->has_addr(host, job->device, job->own, CJD_TUN_PREFIX) == 1) {
        return 0;
    }
    int err = netif->addr_add(host, job->device, job->own, CJD_TUN_PREFIX);
    if (err == 0 || err == CJD_ERR_EXISTS) {
        return 0;
    }
    if (is_ip6_off(job)) {
        snprintf(cure, sizeof cure, "sysctl -w net.ipv6.conf.%s.disable_ipv6=0", job->device);
        return fail(job, err, "the address (IPv6 is switched off there)", cure);
    }
    cjd_addr_to_text(text, job->own);
    snprintf(cure, sizeof cure, "ip -6 addr add %s/%u dev %s", text, CJD_TUN_PREFIX, job->device);
    return fail(job, err, "the address", cure);
}

static int set_up(const struct job *job)
{
    char cure[128];

    if (!job->is_forced && job->state.is_up) {
        return 0;
    }
    int err = job->env->netif->up(job->env->host, job->device);
    if (err == 0) {
        return 0;
    }
    snprintf(cure, sizeof cure, "ip link set dev %s up", job->device);
    return fail(job, err, "the state", cure);
}

/* Runs all steps. auto: a failure is a warning, and the next step follows all the same. */
static int run_steps(const struct job *job)
{
    static int (*const steps[])(const struct job *job) = {set_mtu, set_address, set_up};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int err = steps[i](job);
        if (err != 0 && job->is_forced) {
            return err;
        }
        if (err != 0) {
            cjd_logger_write(job->env->log, CJD_LEVEL_WARN, "%s", job->error->text);
        }
    }
    return 0;
}

static int cannot_see(const struct job *job, const char *why)
{
    int err = cjd_tun_fail(job->error, "/manage", CJD_ERR_NO_DEVICE,
                           "device %s cannot be looked after: %s", job->device, why);

    if (job->is_forced) {
        return err;
    }
    cjd_logger_write(job->env->log, CJD_LEVEL_WARN, "%s", job->error->text);
    return 0;
}

static int look_after(struct job *job)
{
    const struct cjd_netif_service *netif = job->env->netif;

    if (!netif) {
        return cannot_see(job, "the host has no access to devices");
    }
    int err = netif->state(job->env->host, job->device, &job->state);
    if (err != 0) {
        return cannot_see(job, err == CJD_ERR_NO_DEVICE ? "it is not in this network namespace"
                                                        : cjd_err_text(err));
    }
    return run_steps(job);
}

int cjd_tun_manage(const struct cjd_tun_manage_env *env, enum cjd_tun_manage mode,
                   const char *device, const struct cjd_addr *own, uint32_t *mtu,
                   struct cjd_plugin_error *error)
{
    struct cjd_plugin_error scratch = {.size = sizeof scratch};
    struct job job = {.env = env,
                      .device = device,
                      .own = own,
                      .mtu = *mtu,
                      .is_forced = mode == CJD_TUN_ALWAYS,
                      .state = {.size = sizeof job.state},
                      /* What is only a warning must not be left in the caller's error. */
                      .error = mode == CJD_TUN_ALWAYS && error ? error : &scratch};

    int err = mode == CJD_TUN_NEVER ? 0 : look_after(&job);
    if (err == 0 && env->netif && env->netif->state(env->host, device, &job.state) == 0 &&
        job.state.mtu >= CJD_TUN_MTU_MIN) {
        *mtu = job.state.mtu < CJD_TUN_MTU_MAX ? job.state.mtu : CJD_TUN_MTU_MAX;
    }
    return err;
}
