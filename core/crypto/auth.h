/*
 * Credentials: who may log in to this node, and what a session presents.
 * Source: CryptoAuth notes §3. The table belongs to the node; control thread.
 */
#ifndef CJD_CRYPTO_AUTH_H
#define CJD_CRYPTO_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>
#include <cjd/types.h>

#define CJD_LOGIN_MAX 64u   /* bytes of a login kept for display, without NUL */
#define CJD_USERS_MAX 4096u /* most logins of one node */

/* An accepted login. */
struct cjd_user {
    uint8_t secret[32]; /* SHA-256(password), mixed into the hello's key */
    uint8_t lookup1[8]; /* auth type 1: by password */
    uint8_t lookup2[8]; /* auth type 2: by login */
    bool is_restricted;
    struct cjd_addr only; /* the one address that may use it */
    char login[CJD_LOGIN_MAX + 1];
};

struct cjd_users;

CJD_MUST_CHECK struct cjd_users *cjd_users_new(void);
/* Wipes all secrets. NULL is legal. */
void cjd_users_free(struct cjd_users *users);

/*
 * Adds a login. login NULL: named "Anon #N". only NULL: any address.
 * Same login and password again: 0, nothing changes. Same login, other password: CJD_ERR_EXISTS.
 * CJD_ERR_FULL: CJD_USERS_MAX of them.
 */
CJD_MUST_CHECK int cjd_users_add(struct cjd_users *users, const char *login, const void *password,
                                 size_t password_len, const struct cjd_addr *only);
/* Sessions that used it live on. CJD_ERR_NOT_FOUND. */
CJD_MUST_CHECK int cjd_users_remove(struct cjd_users *users, const char *login);
size_t cjd_users_count(const struct cjd_users *users);
/* In the order they were added; NULL beyond the end. Valid until the next add or remove. */
const struct cjd_user *cjd_users_at(const struct cjd_users *users, size_t i);

/* First user whose lookup of the challenge's type (1 or 2) matches; constant-time comparison per
 * entry. NULL: none, or type 0 or above 2. challenge: its first 8 bytes. */
const struct cjd_user *cjd_users_find(const struct cjd_users *users, const uint8_t challenge[8]);

/* What a session presents in its own hellos and key packets. */
struct cjd_credentials {
    uint8_t type; /* 0 none, 1 password, 2 login and password */
    uint8_t secret[32];
    uint8_t lookup[8]; /* first 8 bytes of the challenge, type included */
};

/* password NULL: type 0. login NULL: type 1. */
void cjd_credentials_init(struct cjd_credentials *out, const char *login, const void *password,
                          size_t password_len);
void cjd_credentials_fini(struct cjd_credentials *c);

#endif
