/* conf.c - see conf.h: the table, one value from its text, the environment, what spans settings. */
#include "csms/conf_internal.h"
#include "csms/listener.h"
#include "db/conninfo.h"
#include "ocpp/message.h" /* a message may not be larger than the core reads */

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT(section, name, value, low, high, when, meaning)                                       \
    { #section, #name, CONF_TEXT, offsetof(struct conf, section##_##name), value, 0, low, high,    \
        NULL, CONF_##when, meaning },
#define NUMBER(section, name, value, low, high, when, meaning)                                     \
    { #section, #name, CONF_NUMBER, offsetof(struct conf, section##_##name), NULL, value, low,     \
        high, NULL, CONF_##when, meaning },
#define SWITCH(section, name, value, when, meaning)                                                \
    { #section, #name, CONF_SWITCH, offsetof(struct conf, section##_##name), NULL, value, 0, 1,    \
        NULL, CONF_##when, meaning },
#define CHOICE(section, name, value, choices, when, meaning)                                       \
    { #section, #name, CONF_CHOICE, offsetof(struct conf, section##_##name), NULL, value, 0, 0,    \
        choices, CONF_##when, meaning },
const struct conf_setting conf_settings[] = {
#include "csms/conf.def"
};
#undef TEXT
#undef NUMBER
#undef SWITCH
#undef CHOICE
const uint32_t conf_setting_count = sizeof(conf_settings) / sizeof(conf_settings[0]);

static const struct {
    const char *name;
    uint32_t bit;
} purposes[] = { { "ocpp", LISTENER_OCPP }, { "admin", LISTENER_ADMIN },
    { "console", LISTENER_CONSOLE }, { "metrics", LISTENER_METRICS } };

uint32_t conf_purpose(const char *name)
{
    for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
        if (!strcmp(purposes[i].name, name))
            return purposes[i].bit;
    return 0;
}

const char *conf_purpose_name(uint32_t bit)
{
    for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
        if (purposes[i].bit == bit)
            return purposes[i].name;
    return NULL;
}

static_assert(
    (int)CONF_LISTENERS_MAX == (int)LISTENERS_MAX, "what may be configured can be opened");

void conf_complain(struct conf_reader *reader, const char *where, const char *format, ...)
{
    char line[1024];
    int n = snprintf(line, sizeof(line), "%s: ", where);
    va_list args;

    if (n < 0 || (size_t)n >= sizeof(line))
        n = 0;
    va_start(args, format);
    vsnprintf(line + n, sizeof(line) - (size_t)n, format, args);
    va_end(args);
    reader->failed = true;
    reader->report(reader->ctx, line);
}

void conf_full_name(const struct conf_setting *setting, char ret[64])
{
    bool top = !strcmp(setting->section, "top");

    snprintf(ret, 64, "%s%s%s", top ? "" : setting->section, top ? "" : ".", setting->name);
}

/* The place of the text in "a|b|c"; -1: it is not there. */
static int choice_of(const char *choices, const char *text)
{
    size_t length = strlen(text);

    for (int i = 0; *choices; i++) {
        size_t n = strcspn(choices, "|");

        if (n == length && !memcmp(choices, text, n))
            return i;
        choices += n + (choices[n] == '|');
    }
    return -1;
}

static bool read_number(const char *text, int64_t *ret)
{
    char *end;

    errno = 0;
    *ret = strtoll(text, &end, 10);
    return *text && !isspace((unsigned char)*text) && !*end && !errno;
}

static bool read_switch(const char *text, bool *ret)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (!strcmp(text, words[i])) {
            *ret = i % 2;
            return true;
        }
    return false;
}

static bool set_text(
    struct conf_reader *reader, const struct conf_setting *setting, const char *where,
    const char *text)
{
    char **member = conf_text_of(reader->conf, setting), *copy, name[64];
    int64_t length = (int64_t)strlen(text);

    conf_full_name(setting, name);
    if (length < setting->low || length > setting->high) {
        conf_complain(reader, where, "%s: has %" PRId64 " characters; it may have %" PRId64
                                     " to %" PRId64, name, length, setting->low, setting->high);
        return false;
    }
    copy = strdup(text);
    if (!copy) {
        conf_complain(reader, where, "%s: no memory", name);
        return false;
    }
    free(*member);
    *member = copy;
    return true;
}

static bool set_number(
    struct conf_reader *reader, const struct conf_setting *setting, const char *where,
    const char *text)
{
    char name[64];
    int64_t number;

    conf_full_name(setting, name);
    if (!read_number(text, &number)) {
        conf_complain(reader, where, "%s: \"%s\" is no whole number", name, text);
        return false;
    }
    if (number < setting->low || number > setting->high) {
        conf_complain(reader, where, "%s: %" PRId64 " is not from %" PRId64 " to %" PRId64, name,
            number, setting->low, setting->high);
        return false;
    }
    *(int64_t *)((char *)reader->conf + setting->offset) = number;
    return true;
}

static bool set_word(
    struct conf_reader *reader, const struct conf_setting *setting, const char *where,
    const char *text)
{
    void *member = (char *)reader->conf + setting->offset;
    char name[64];
    int choice;

    conf_full_name(setting, name);
    if (setting->kind == CONF_SWITCH) {
        if (read_switch(text, member))
            return true;
        conf_complain(reader, where, "%s: \"%s\" is neither yes nor no", name, text);
        return false;
    }
    choice = choice_of(setting->choices, text);
    if (choice < 0) {
        conf_complain(reader, where, "%s: \"%s\" is none of %s", name, text, setting->choices);
        return false;
    }
    *(int *)member = choice;
    return true;
}

void conf_set(struct conf_reader *reader, uint32_t index, const char *where, const char *text)
{
    const struct conf_setting *setting = &conf_settings[index];
    char *source = strdup(where);
    bool set = setting->kind == CONF_TEXT ? set_text(reader, setting, where, text)
        : setting->kind == CONF_NUMBER    ? set_number(reader, setting, where, text)
                                          : set_word(reader, setting, where, text);

    if (!source)
        conf_complain(reader, where, "no memory");
    if (!set || !source) {
        free(source);
        return;
    }
    free(reader->conf->sources[index]);
    reader->conf->sources[index] = source;
}

static struct conf *conf_new(void)
{
    struct conf *conf = calloc(1, sizeof(*conf));
    bool whole = true;

    if (!conf)
        return NULL;
    conf->sources = calloc(conf_setting_count, sizeof(*conf->sources));
    if (!conf->sources) {
        free(conf);
        return NULL;
    }
    for (uint32_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *setting = &conf_settings[i];
        void *member = (char *)conf + setting->offset;

        if (setting->kind == CONF_TEXT)
            whole &= (*(char **)member = strdup(setting->text)) != NULL;
        else if (setting->kind == CONF_NUMBER)
            *(int64_t *)member = setting->number;
        else if (setting->kind == CONF_SWITCH)
            *(bool *)member = setting->number;
        else
            *(int *)member = (int)setting->number;
        conf->sources[i] = strdup("built in");
        whole &= conf->sources[i] != NULL;
    }
    if (whole)
        return conf;
    conf_free(conf);
    return NULL;
}

void conf_free(struct conf *conf)
{
    if (!conf)
        return;
    for (uint32_t i = 0; i < conf_setting_count; i++) {
        if (conf_settings[i].kind == CONF_TEXT)
            free(*conf_text_of(conf, &conf_settings[i]));
        free(conf->sources[i]);
    }
    for (uint32_t i = 0; i < conf->listener_count; i++) {
        free(conf->listeners[i].name);
        free(conf->listeners[i].bind);
        free(conf->listeners[i].source);
    }
    free(conf->sources);
    free(conf);
}

static void variable_of(const struct conf_setting *setting, char ret[80])
{
    bool top = !strcmp(setting->section, "top");

    snprintf(ret, 80, "CSMS_%s%s%s", top ? "" : setting->section, top ? "" : "_", setting->name);
    for (char *c = ret; *c; c++)
        *c = (char)toupper((unsigned char)*c);
}

static void tell_of_unknown(const char *variable, conf_report *report, void *ctx)
{
    int length = (int)strcspn(variable, "=");
    char name[80], line[160];

    for (uint32_t i = 0; i < conf_setting_count; i++) {
        variable_of(&conf_settings[i], name);
        if (strlen(name) == (size_t)length && !strncmp(name, variable, (size_t)length))
            return;
    }
    snprintf(line, sizeof(line), "%.*s: no setting has this name; it changes nothing",
        length < 80 ? length : 80, variable);
    report(ctx, line);
}

void conf_check_environment(conf_report *report, void *ctx)
{
    for (char **at = environ; at && *at; at++)
        if (!strncmp(*at, "CSMS_", 5))
            tell_of_unknown(*at, report, ctx);
}

static void read_environment(struct conf_reader *reader)
{
    for (uint32_t i = 0; i < conf_setting_count; i++) {
        char name[80];
        const char *text;

        variable_of(&conf_settings[i], name);
        text = getenv(name);
        if (text)
            conf_set(reader, i, name, text);
    }
}

/* Nothing that is open to strangers by mistake. */
static void check_exposure(struct conf_reader *reader, const struct conf_listener *listener)
{
    const char *where = listener->source;

    if (listener->tls)
        conf_complain(reader, where,
            "listener %s: tls: this version has no TLS of its own; bind to 127.0.0.1 and put a "
            "TLS proxy in front", listener->name);
    if (listener_bind_is_loopback(listener->bind))
        return;
    if (listener->serve & LISTENER_OCPP && !listener->credentials)
        conf_complain(reader, where,
            "listener %s: credentials = none on %s would admit piles without a key from other "
            "machines; only a loopback address may do that", listener->name, listener->bind);
    if (listener->serve & LISTENER_ADMIN && !listener->tls)
        conf_complain(reader, where,
            "listener %s: serve = {admin} on %s needs tls; only a loopback address may do without",
            listener->name, listener->bind);
}

void conf_listener_finish(
    struct conf_reader *reader, struct conf_listener *listener, bool serve_told)
{
    const struct conf *conf = reader->conf;

    if (!serve_told)
        listener->serve = listener_bind_is_loopback(listener->bind)
            ? LISTENER_OCPP | LISTENER_ADMIN | LISTENER_CONSOLE | LISTENER_METRICS
            : LISTENER_OCPP;
    for (uint32_t i = 0; i < conf->listener_count; i++) {
        const struct conf_listener *other = &conf->listeners[i];

        if (other == listener)
            continue;
        if (!strcmp(other->name, listener->name))
            conf_complain(reader, listener->source, "listener %s: the name is taken by %s",
                listener->name, other->source);
        if (other->port == listener->port && listener->port &&
            !strcmp(other->bind, listener->bind))
            conf_complain(reader, listener->source, "listener %s: %s:%u is taken by listener %s",
                listener->name, listener->bind, listener->port, other->name);
    }
    check_exposure(reader, listener);
}

static void add_built_in_listener(struct conf_reader *reader)
{
    struct conf_listener *listener = &reader->conf->listeners[reader->conf->listener_count++];

    *listener = (struct conf_listener){ .name = strdup("main"), .bind = strdup("127.0.0.1"),
        .port = 9016, .credentials = true, .source = strdup("built in") };
    if (listener->name && listener->bind && listener->source)
        conf_listener_finish(reader, listener, false);
    else
        conf_complain(reader, "built in", "no memory");
}

const char *conf_source(const struct conf *conf, const char *setting)
{
    char name[64];
    uint32_t i = 0;

    do {
        assert(i < conf_setting_count);
        conf_full_name(&conf_settings[i], name);
    } while (strcmp(name, setting) && ++i);
    return conf->sources[i];
}

void conf_pepper_file(const struct conf *conf, char ret[CONF_FILE_MAX])
{
    bool told = conf->top_pepper_file[0];

    snprintf(ret, CONF_FILE_MAX, "%s%s", told ? conf->top_pepper_file : conf->top_state_dir,
        told ? "" : "/pepper");
}

static void check_database(struct conf_reader *reader)
{
    const struct conf *conf = reader->conf;
    char why[DB_CONNINFO_WHY_MAX];

    if (strcmp(conf->top_database, "embedded") && !db_conninfo_check(conf->top_database, why))
        conf_complain(reader, conf_source(conf, "database"), "database: %s", why);
}

static void check_together(struct conf_reader *reader, const char *file)
{
    const struct conf *conf = reader->conf;
    const char *where = file ? file : "environment";

    if (conf->ocpp_ping_s && conf->ocpp_dead_s <= conf->ocpp_ping_s)
        conf_complain(reader, where,
            "ocpp.dead_s: %" PRId64 " must be greater than ocpp.ping_s, which is %" PRId64,
            conf->ocpp_dead_s, conf->ocpp_ping_s);
}

struct conf *conf_load(const char *file, conf_report *report, void *ctx)
{
    struct conf_reader reader = { .conf = conf_new(), .report = report, .ctx = ctx };

    if (!reader.conf) {
        conf_complain(&reader, file ? file : "configuration", "no memory");
        return NULL;
    }
    if (file)
        conf_file_read(&reader, file);
    read_environment(&reader);
    if (!reader.conf->listener_count && !reader.failed)
        add_built_in_listener(&reader);
    check_database(&reader);
    check_together(&reader, file);
    if (!reader.failed)
        return reader.conf;
    conf_free(reader.conf);
    return NULL;
}
