/*
 * A plugin in the simulator: one instance of its constant (<cjd/plugin.h>) beside one node, under
 * the virtual clock, without the loader.
 *
 *     struct sim_plugin *p = sim_plugin_new(sim, node, &plugin, config);
 *     …
 *     sim_free(sim);
 *     sim_plugin_free(p);
 *
 * It lives as long as the node does: each start of the node is create, configure, acquire, start,
 * each stop is stop, release, destroy, as when the daemon is started again. It is offered cjd.log,
 * cjd.time, cjd.random, cjd.loop (timers and tasks; there are no descriptors and no threads),
 * cjd.packet, cjd.upper and cjd.frontend, with the rules of the daemon: content comes when the node
 * has returned, packets for the machine come from inside it.
 *
 * What ends the program, because it is what tests are to find: a step that fails, a need that is
 * not offered, timers and packets left behind by `stop`.
 */
#ifndef SIM_PLUGIN_H
#define SIM_PLUGIN_H

#include <cjd/plugin.h>
#include <sim/sim.h>

struct sim_plugin;

/* config is as after the schema's defaults; borrowed until sim_plugin_free(), as is the plugin. If
 * the node runs already, the plugin starts now. */
struct sim_plugin *sim_plugin_new(struct sim *sim, uint32_t node, const struct cjd_plugin *plugin,
                                  const json_t *config);
/* After sim_free(). NULL is legal. */
void sim_plugin_free(struct sim_plugin *p);

/* What its create() made; NULL: not running. */
void *sim_plugin_self(struct sim_plugin *p);
/* Where its log goes: NULL, the default, is nowhere. */
void sim_plugin_set_log(struct sim_plugin *p,
                        void (*fn)(void *ctx, uint32_t level, const char *line), void *ctx);

#endif
