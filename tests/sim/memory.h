/*
 * Memory of the simulator itself, kept apart from that of the nodes it runs.
 *
 * What nodes allocate while the simulator runs them is counted (hooks.c); what the simulator needs
 * for itself comes from here and is not. All of it is zeroed; running out ends the program.
 */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stddef.h>

void *sim_alloc(size_t bytes);
/* As realloc(); what is new is not zeroed. */
void *sim_resize(void *p, size_t bytes);
/* NULL is legal. */
void sim_free_bytes(void *p);

/* Ends the program with a message: a bug of the simulator, or a model that cannot be. */
_Noreturn void sim_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
