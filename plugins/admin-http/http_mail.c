#include "http_mail.h"

#include <stdlib.h>

struct cjd_http_errand *cjd_http_errand_new(enum cjd_http_errand_kind kind)
{
    struct cjd_http_errand *errand = calloc(1, sizeof *errand);

    if (errand) {
        errand->kind = kind;
    }
    return errand;
}

void cjd_http_errand_free(struct cjd_http_errand *errand)
{
    if (errand) {
        free(errand->method);
        free(errand->types);
        json_decref(errand->args);
        free(errand);
    }
}

void cjd_http_letter_free(struct cjd_http_letter *letter)
{
    if (letter) {
        json_decref(letter->value);
        json_decref(letter->error);
        free(letter);
    }
}

int cjd_http_box_init(struct cjd_http_box *box, int (*wake)(void *arg), void *arg)
{
    *box = (struct cjd_http_box){.wake = wake, .arg = arg};
    box->last = &box->first;
    return pthread_mutex_init(&box->lock, NULL) == 0 ? 0 : CJD_ERR_NO_MEMORY;
}

void cjd_http_box_fini(struct cjd_http_box *box)
{
    struct cjd_http_letter *letter = cjd_http_box_take(box);

    while (letter) {
        struct cjd_http_letter *next = letter->next;
        cjd_http_letter_free(letter);
        letter = next;
    }
    pthread_mutex_destroy(&box->lock);
}

void cjd_http_box_put(struct cjd_http_box *box, struct cjd_http_letter *letter)
{
    if (!letter) {
        return;
    }
    letter->next = NULL;
    pthread_mutex_lock(&box->lock);
    *box->last = letter;
    box->last = &letter->next;
    if (!box->is_woken) {
        box->is_woken = box->wake(box->arg) == 0;
    }
    pthread_mutex_unlock(&box->lock);
}

struct cjd_http_letter *cjd_http_box_take(struct cjd_http_box *box)
{
    pthread_mutex_lock(&box->lock);
    struct cjd_http_letter *all = box->first;
    box->first = NULL;
    box->last = &box->first;
    box->is_woken = false;
    pthread_mutex_unlock(&box->lock);
    return all;
}
