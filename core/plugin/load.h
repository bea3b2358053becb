/* Loading the entries of a configuration: files, constants, schemas. Part of this room only. */
#ifndef CJD_PLUGIN_LOAD_H
#define CJD_PLUGIN_LOAD_H

#include <plugin/private.h>

/* The object of an entry, loaded if it is not yet. `why` says what is wrong. */
CJD_MUST_CHECK int cjd_load_object(struct cjd_plugins *set, const struct cjd_config_plugin *entry,
                                   struct object **out, char why[CJD_PLUGIN_WHY]);
/* The services the plugin cannot do without are there. */
CJD_MUST_CHECK int cjd_load_check_needs(const struct instance *in, char why[CJD_PLUGIN_WHY]);
void cjd_load_free_objects(struct cjd_plugins *set);

#endif
