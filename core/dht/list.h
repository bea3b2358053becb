/*
 * Intrusive doubly linked ring: the head is an entry like the others. Private to the router.
 */
#ifndef CJD_DHT_LIST_H
#define CJD_DHT_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <base/map.h>

struct cjd_list {
    struct cjd_list *next;
    struct cjd_list *prev;
};

/* Makes an empty head, or an entry that is in no list. */
static inline void cjd_list_init(struct cjd_list *l)
{
    l->next = l->prev = l;
}

static inline bool cjd_list_is_empty(const struct cjd_list *l)
{
    return l->next == l;
}

/* No effect on an entry that is in no list. */
static inline void cjd_list_remove(struct cjd_list *entry)
{
    entry->next->prev = entry->prev;
    entry->prev->next = entry->next;
    cjd_list_init(entry);
}

/* Puts the entry last; it leaves the list it was in. */
static inline void cjd_list_append(struct cjd_list *head, struct cjd_list *entry)
{
    cjd_list_remove(entry);
    entry->prev = head->prev;
    entry->next = head;
    head->prev->next = entry;
    head->prev = entry;
}

/* Walks a list; the current entry may be removed inside. */
#define CJD_LIST_EACH(entry, head)                                                                 \
    for (struct cjd_list *entry = (head)->next, *entry##_after = entry->next; entry != (head);     \
         entry = entry##_after, entry##_after = entry->next)

#endif
