/* What the command line does instead of running. Each returns the exit status. */
#ifndef CJD_DAEMON_TOOLS_H
#define CJD_DAEMON_TOOLS_H

#include <daemon/options.h>

int cjd_tools_run(const struct cjd_options *options);
/* --invite and --add-peer. */
int cjd_tools_peering(const struct cjd_options *options);

#endif
