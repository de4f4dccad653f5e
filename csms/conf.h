/* conf.h - the configuration: one table (conf.def), a file, the environment, built-in values.
 *
 * Precedence: environment CSMS_<SECTION>_<NAME> (CSMS_<NAME> for the top section), the file, what
 * is built in.  What is wrong is reported as file:line: reason, all of it, and nothing is loaded.
 * A struct conf is never changed after it was loaded.  Any thread may read it.
 */
#ifndef CSMS_CONF_H
#define CSMS_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

enum { CONF_LISTENERS_MAX = 16, CONF_FILE_MAX = 600 };

struct conf_listener {
    char *name;
    char *bind;
    uint16_t port;
    bool tls;
    uint32_t serve;   /* enum listener_purpose, ored */
    bool credentials; /* required */
    char *source;     /* file:line, or "built in" */
};

#define TEXT(section, name, value, low, high, when, meaning) char *section##_##name;
#define NUMBER(section, name, value, low, high, when, meaning) int64_t section##_##name;
#define SWITCH(section, name, value, when, meaning) bool section##_##name;
#define CHOICE(section, name, value, choices, when, meaning) int section##_##name;
struct conf {
#include "csms/conf.def"
    struct conf_listener listeners[CONF_LISTENERS_MAX];
    uint32_t listener_count;
    char **sources; /* of the settings, in the order of conf.def */
};
#undef TEXT
#undef NUMBER
#undef SWITCH
#undef CHOICE

/* The order of the choices in conf.def. */
enum conf_durability { CONF_DURABILITY_FULL, CONF_DURABILITY_TEST };
enum conf_frames { CONF_FRAMES_OFF, CONF_FRAMES_META, CONF_FRAMES_FULL };

/* line is a whole sentence: "csmsd.conf:12: limits.half_open: 3 is below 16". */
typedef void conf_report(void *ctx, const char *line);

/* file NULL: built-in values and the environment.  NULL: every problem was reported. */
MUST_CHECK struct conf *conf_load(const char *file, conf_report *report, void *ctx);
void conf_free(struct conf *);
/* Where "limits.connections" was set: file:line, a variable's name, or "built in". */
const char *conf_source(const struct conf *, const char *setting);
/* pepper_file, or what stands for it. */
void conf_pepper_file(const struct conf *, char ret[CONF_FILE_MAX]);
/* What would fail at start: folders, the pepper, descriptors, listeners' addresses.  Changes
 * nothing.  False: every problem was reported. */
MUST_CHECK bool conf_check(const struct conf *, conf_report *report, void *ctx);
/* Of these the one that a daemon can live with: fewer piles than configured. */
void conf_check_descriptors(const struct conf *, conf_report *report, void *ctx);
/* Variables that look like settings and are none: no error, since where containers are run the
 * names of services put variables of their own there. */
void conf_check_environment(conf_report *report, void *ctx);
/* In the file's own syntax, each value with where it came from. */
void conf_print(const struct conf *, FILE *out);
/* Names the settings that differ and need a restart. */
void conf_restart_needed(
    const struct conf *old, const struct conf *fresh, conf_report *report, void *ctx);
/* The reference page, a Markdown table of every setting. */
void conf_describe(FILE *out);

#endif
