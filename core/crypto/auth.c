#include <crypto/auth.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define FIRST_ROOM 8u

struct cjd_users {
    struct cjd_user *v; /* in the order of adding */
    size_t count;
    size_t room;
};

/* First 8 bytes of a challenge: the type replaces byte 0 of the hash (§3.1). */
static void lookup_of(uint8_t out[8], uint8_t type, const uint8_t hash[32])
{
    out[0] = type;
    memcpy(out + 1, hash + 1, 7);
}

static void lookup_by_login(uint8_t out[8], const char *login)
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, (const uint8_t *)login, strlen(login));
    lookup_of(out, 2, hash);
}

static void lookup_by_password(uint8_t out[8], const uint8_t secret[32])
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, secret, 32);
    lookup_of(out, 1, hash);
}

struct cjd_users *cjd_users_new(void)
{
    return calloc(1, sizeof(struct cjd_users));
}

static void free_array(struct cjd_user *v, size_t room)
{
    if (v) {
        sodium_memzero(v, room * sizeof *v);
        free(v);
    }
}

void cjd_users_free(struct cjd_users *users)
{
    if (users) {
        free_array(users->v, users->room);
        free(users);
    }
}

/* Not realloc(): it would leave secrets behind. */
static int grow(struct cjd_users *users)
{
    size_t room = users->room ? users->room * 2 : FIRST_ROOM;
    struct cjd_user *v = calloc(room, sizeof *v);

    if (!v) {
        return CJD_ERR_NO_MEMORY;
    }
    if (users->count > 0) {
        memcpy(v, users->v, users->count * sizeof *v);
    }
    free_array(users->v, users->room);
    users->v = v;
    users->room = room;
    return 0;
}

/* By the login's hash: that is what tells users apart on the wire, and `login` may be cut. */
static struct cjd_user *find_login(const struct cjd_users *users, const uint8_t lookup2[8])
{
    for (size_t i = 0; i < users->count; i++) {
        if (memcmp(users->v[i].lookup2, lookup2, 8) == 0) {
            return &users->v[i];
        }
    }
    return NULL;
}

/* "Anon #N" (§3.1). After removals the name may be taken, then the next free number is used. */
static void name_anonymous(const struct cjd_users *users, char out[32])
{
    uint8_t lookup[8];
    size_t n = users->count;

    do {
        (void)snprintf(out, 32, "Anon #%zu", n++);
        lookup_by_login(lookup, out);
    } while (find_login(users, lookup));
}

static void fill_user(struct cjd_user *user, const char *login, const struct cjd_addr *only)
{
    size_t len = strnlen(login, CJD_LOGIN_MAX);

    memcpy(user->login, login, len);
    user->login[len] = '\0';
    lookup_by_password(user->lookup1, user->secret);
    lookup_by_login(user->lookup2, login);
    if (only) {
        user->is_restricted = true;
        user->only = *only;
    }
}

static int add(struct cjd_users *users, const struct cjd_user *user)
{
    const struct cjd_user *same = find_login(users, user->lookup2);

    if (same) {
        return sodium_memcmp(same->secret, user->secret, 32) == 0 ? 0 : CJD_ERR_EXISTS;
    }
    if (users->count >= CJD_USERS_MAX) {
        return CJD_ERR_FULL;
    }
    if (users->count == users->room) {
        int err = grow(users);
        if (err) {
            return err;
        }
    }
    users->v[users->count++] = *user;
    return 0;
}

int cjd_users_add(struct cjd_users *users, const char *login, const void *password,
                  size_t password_len, const struct cjd_addr *only)
{
    struct cjd_user user = {0};
    char anonymous[32];

    if (!password) {
        return CJD_ERR_INVALID;
    }
    if (!login) {
        name_anonymous(users, anonymous);
        login = anonymous;
    }
    crypto_hash_sha256(user.secret, password, password_len);
    fill_user(&user, login, only);
    int err = add(users, &user);
    sodium_memzero(&user, sizeof user);
    return err;
}

int cjd_users_remove(struct cjd_users *users, const char *login)
{
    uint8_t lookup[8];

    lookup_by_login(lookup, login);
    struct cjd_user *user = find_login(users, lookup);
    if (!user) {
        return CJD_ERR_NOT_FOUND;
    }
    struct cjd_user *last = &users->v[users->count - 1];
    memmove(user, user + 1, (size_t)(last - user) * sizeof *user);
    sodium_memzero(last, sizeof *last);
    users->count--;
    return 0;
}

size_t cjd_users_count(const struct cjd_users *users)
{
    return users->count;
}

const struct cjd_user *cjd_users_at(const struct cjd_users *users, size_t i)
{
    return i < users->count ? &users->v[i] : NULL;
}

const struct cjd_user *cjd_users_find(const struct cjd_users *users, const uint8_t challenge[8])
{
    if (challenge[0] != 1 && challenge[0] != 2) {
        return NULL;
    }
    for (size_t i = 0; i < users->count; i++) {
        const struct cjd_user *user = &users->v[i];
        const uint8_t *lookup = challenge[0] == 1 ? user->lookup1 : user->lookup2;
        if (sodium_memcmp(lookup, challenge, 8) == 0) {
            return user;
        }
    }
    return NULL;
}

void cjd_credentials_init(struct cjd_credentials *out, const char *login, const void *password,
                          size_t password_len)
{
    memset(out, 0, sizeof *out);
    if (!password) {
        return;
    }
    out->type = login ? 2 : 1;
    crypto_hash_sha256(out->secret, password, password_len);
    if (login) {
        lookup_by_login(out->lookup, login);
    } else {
        lookup_by_password(out->lookup, out->secret);
    }
}

void cjd_credentials_fini(struct cjd_credentials *c)
{
    sodium_memzero(c, sizeof *c);
}
