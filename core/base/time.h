/* Units of time. All times in the core are nanoseconds of a monotonic clock that the driver owns.
 */
#ifndef CJD_BASE_TIME_H
#define CJD_BASE_TIME_H

#include <stdint.h>

#define CJD_US    1000ull
#define CJD_MS    1000000ull
#define CJD_S     1000000000ull
#define CJD_NEVER UINT64_MAX

#endif
