/* A link of the fake host that carries nothing: for parts of the plugin that only need its number.
 */
#ifndef ETH_TEST_BARE_LINK_H
#define ETH_TEST_BARE_LINK_H

#include <testlib/testlib.h>

#include <fake_host.h>

static int bare_open(void *link, const struct cjd_link_wish *wish, struct cjd_link_given *given)
{
    (void)link;
    (void)wish;
    *given = (struct cjd_link_given){.size = sizeof *given, .queues = 1, .mtu = 1494};
    return 0;
}

static inline uint32_t bare_link_up(struct cjd_fake_host *fake)
{
    static const struct cjd_link_ops ops = {.size = sizeof ops, .open = bare_open};
    const struct cjd_link_service *link = fake->host.get(&fake->host, CJD_SERVICE_LINK, 1);
    uint32_t id = 0;

    assert_int_equal(link->link_up(&fake->host, "bare", &ops, NULL, &id), 0);
    return id;
}

static inline void bare_link_down(struct cjd_fake_host *fake, uint32_t id)
{
    const struct cjd_link_service *link = fake->host.get(&fake->host, CJD_SERVICE_LINK, 1);

    link->link_down(&fake->host, id);
}

#endif
