/* conf_internal.h - the table of settings as the files of conf share it. */
#ifndef CSMS_CONF_INTERNAL_H
#define CSMS_CONF_INTERNAL_H

#include "csms/conf.h"

#include <stddef.h>

enum conf_kind { CONF_TEXT, CONF_NUMBER, CONF_SWITCH, CONF_CHOICE };
enum conf_when { CONF_RELOAD, CONF_RESTART };

struct conf_setting {
    const char *section; /* "top": none */
    const char *name;
    enum conf_kind kind;
    size_t offset; /* of the member in struct conf */
    const char *text;
    int64_t number; /* the built-in value of all but texts */
    int64_t low, high;
    const char *choices;
    enum conf_when when;
    const char *meaning;
};

extern const struct conf_setting conf_settings[];
extern const uint32_t conf_setting_count;

/* Who reports what, and whether anything was wrong. */
struct conf_reader {
    struct conf *conf;
    conf_report *report;
    void *ctx;
    bool failed;
};

/* `where` is "file:line" or the variable's name. */
__attribute__((format(printf, 3, 4))) void conf_complain(
    struct conf_reader *, const char *where, const char *format, ...);
/* Sets one setting from its text and notes where it came from; complains if it is wrong. */
void conf_set(struct conf_reader *, uint32_t setting, const char *where, const char *text);
/* "limits.half_open" */
void conf_full_name(const struct conf_setting *, char ret[64]);
/* The listener is whole: what is not told is filled in, and what may be open to whom is checked. */
void conf_listener_finish(struct conf_reader *, struct conf_listener *, bool serve_told);
/* "ocpp", "admin", ...; 0: no such purpose. */
uint32_t conf_purpose(const char *name);
const char *conf_purpose_name(uint32_t bit);

/* conf_read.c: libconfuse. */
void conf_file_read(struct conf_reader *, const char *file);

static inline char **conf_text_of(struct conf *conf, const struct conf_setting *setting)
{
    return (char **)((char *)conf + setting->offset);
}

static inline int64_t conf_number_of(const struct conf *conf, const struct conf_setting *setting)
{
    const void *at = (const char *)conf + setting->offset;

    return setting->kind == CONF_SWITCH ? *(const bool *)at
        : setting->kind == CONF_CHOICE  ? *(const int *)at
                                        : *(const int64_t *)at;
}

#endif
