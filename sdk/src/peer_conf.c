#include <cjd/peer_conf.h>

#include <stdlib.h>
#include <string.h>

#include <cjd/text.h>

static int keep(char **out, const char *text)
{
    *out = text ? strdup(text) : NULL;
    return text && !*out ? CJD_ERR_NO_MEMORY : 0;
}

static int keep_member(char **out, const struct cjd_conf *at, const char *key)
{
    const char *text;
    int err = cjd_conf_string_optional(at, key, &text);

    return err == 0 ? keep(out, text && text[0] != '\0' ? text : NULL) : err;
}

static int read_key(struct cjd_peer_conf *peer, const struct cjd_conf *at)
{
    struct cjd_conf member = cjd_conf_member(at, "publicKey");
    const char *text = NULL;
    int err = cjd_conf_string(at, "publicKey", NULL, &text);

    if (err == 0 && cjd_key_from_text(&peer->key, text) != 0) {
        err = cjd_conf_fail(&member,
                            "a public key is 52 characters of base 32 followed by \".k\"; "
                            "this has %zu characters",
                            strlen(text));
    }
    return err;
}

int cjd_peer_conf_read(struct cjd_peer_conf *out, const struct cjd_conf *at)
{
    const char *password = NULL;

    *out = (struct cjd_peer_conf){0};
    int err = read_key(out, at);
    err = err == 0 ? cjd_conf_string(at, "password", NULL, &password) : err;
    err = err == 0 ? keep(&out->password, password) : err;
    err = err == 0 ? keep_member(&out->login, at, "login") : err;
    return err == 0 ? keep_member(&out->name, at, "name") : err;
}

void cjd_peer_conf_fini(struct cjd_peer_conf *peer)
{
    if (peer->password) {
        explicit_bzero(peer->password, strlen(peer->password));
    }
    free(peer->login);
    free(peer->password);
    free(peer->name);
    *peer = (struct cjd_peer_conf){0};
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool cjd_peer_conf_equal(const struct cjd_peer_conf *a, const struct cjd_peer_conf *b)
{
    return memcmp(&a->key, &b->key, sizeof a->key) == 0 && is_same_text(a->login, b->login) &&
           is_same_text(a->password, b->password) && is_same_text(a->name, b->name);
}
