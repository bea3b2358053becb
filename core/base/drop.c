#include <base/drop.h>

const char *cjd_drop_text(enum cjd_drop reason)
{
    static const char *const texts[] = {
#define CJD_DROP_TEXT(name, text) text,
        CJD_DROP_LIST(CJD_DROP_TEXT)
#undef CJD_DROP_TEXT
    };
    return (unsigned)reason < CJD_DROP_COUNT ? texts[reason] : "unknown";
}
