/* test_conf.c - the configuration: every setting good and bad, listeners, precedence, printing.
 *
 * The settings tested are those of the table itself, so a new one is tested as soon as it exists.
 */
#include "csms/conf_internal.h"
#include "csms/listener.h"
#include "csms/log.h"
#include "tests/csms/support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file[64];
static char said[16384]; /* every report, a line each */

static void set_up(void)
{
    int fd;

    snprintf(file, sizeof(file), "/tmp/joulebook-conf-XXXXXX");
    fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    close(fd);
    said[0] = '\0';
}

static void tear_down(void)
{
    unlink(file);
}

static void note(void *ctx, const char *line)
{
    size_t used = strlen(said);

    (void)ctx;
    snprintf(said + used, sizeof(said) - used, "%s\n", line);
}

static struct conf *load(const char *text)
{
    FILE *out = fopen(file, "w");

    said[0] = '\0';
    fputs(text, out);
    fclose(out);
    return conf_load(file, note, NULL);
}

/* Does one report begin with file:line: and hold the text? */
static bool said_at(int line, const char *text)
{
    char where[96];
    const char *at;

    snprintf(where, sizeof(where), "%s:%d: ", file, line);
    at = strstr(said, where);
    return at && strstr(at, text) && strstr(at, text) < strchr(at, '\n') + 1;
}

/* Includes a second file of this text on line 2 of the first. */
static struct conf *load_included(const char *inner, char name[96])
{
    char outer[256];
    struct conf *conf;
    FILE *out;

    snprintf(name, 96, "%s.inner", file);
    out = fopen(name, "w");
    fputs(inner, out);
    fclose(out);
    snprintf(outer, sizeof(outer),
        "limits { fragments = 3 }\ninclude(\"%s\")\nlimits { stall_s = 7 }\n", name);
    conf = load(outer);
    unlink(name);
    return conf;
}

START_TEST(an_included_file_counts_where_it_stands)
{
    char name[96];
    struct conf *conf = load_included(
        "# {\nlimits {\n fragments = 5\n stall_s = 6\n}\nlistener in { port = 9 }\n", name);

    ck_assert_msg(conf != NULL, "%s", said);
    ck_assert_int_eq(conf->limits_fragments, 5);
    ck_assert_int_eq(conf->limits_stall_s, 7);
    ck_assert_uint_eq(conf->listener_count, 1);
    ck_assert_uint_eq(conf->listeners[0].port, 9);
    conf_free(conf);
}
END_TEST

static const struct {
    const char *inner, *fault;
} included[] = {
    {"# one\n\nlimits { fragments = 0 }\n", ".inner:3: limits.fragments: "},
    {"log {\n level = info\n", ".inner:1: this brace is not closed"},
    {"\nnonsense = 3\n", ".inner:2: "},
    {"listener x {\n bind = nowhere\n}\n", ".inner:2: listener.bind: "},
};

START_TEST(a_fault_of_an_included_file_is_told_by_its_own_name_and_line)
{
    char name[96], where[160];

    ck_assert_ptr_null(load_included(included[_i].inner, name));
    snprintf(where, sizeof(where), "%s%s", file, included[_i].fault);
    ck_assert_msg(strstr(said, where) != NULL, "%s: %s", where, said);
}
END_TEST

START_TEST(what_cannot_be_included_or_read_is_told)
{
    char text[160];

    ck_assert_ptr_null(load("\ninclude(\"/nowhere/at/all\")\n"));
    ck_assert_msg(said_at(2, "/nowhere/at/all cannot be read: No such file"), "%s", said);
    ck_assert_ptr_null(load("\ninclude(\"/tmp\")\n"));
    ck_assert_msg(said_at(2, "/tmp cannot be read: Is a directory"), "%s", said);
    snprintf(text, sizeof(text), "include(\"%s\")", file);
    ck_assert_ptr_null(load(text));
    ck_assert_msg(said_at(1, "include each other"), "%s", said);
    said[0] = '\0';
    ck_assert_ptr_null(conf_load("/tmp", note, NULL));
    ck_assert_str_eq(said, "/tmp: cannot be read: Is a directory\n");
    said[0] = '\0';
    ck_assert_ptr_null(conf_load("/proc/self/mem", note, NULL));
    ck_assert_str_eq(said, "/proc/self/mem: cannot be read: Input/output error\n");
}
END_TEST

/* The setting on line 3, in its section. */
static struct conf *load_setting(const struct conf_setting *setting, const char *value)
{
    char text[4096];
    bool top = !strcmp(setting->section, "top");

    snprintf(text, sizeof(text), "# a comment\n%s%s\n%s = \"%s\"\n%s\n",
        top ? "" : setting->section, top ? "" : " {", setting->name, value, top ? "" : "}");
    return load(text);
}

static void assert_good(const struct conf_setting *setting, const char *value)
{
    struct conf *conf = load_setting(setting, value);

    ck_assert_msg(conf != NULL, "%s = %s: %s", setting->name, value, said);
    conf_free(conf);
}

static void assert_bad(const struct conf_setting *setting, const char *value)
{
    char name[64];

    conf_full_name(setting, name);
    ck_assert_ptr_null(load_setting(setting, value));
    ck_assert_msg(said_at(3, name), "%s = %s: %s", name, value, said);
}

static void try_text(const struct conf_setting *setting)
{
    char text[2048];

    memset(text, 'x', sizeof(text));
    if (!strcmp(setting->name, "database"))
        memcpy(text, "host=", 5);
    text[setting->high] = '\0';
    assert_good(setting, text);
    text[setting->high] = 'x';
    text[setting->high + 1] = '\0';
    assert_bad(setting, text);
    if (setting->low)
        assert_bad(setting, "");
    else
        assert_good(setting, "");
}

static void try_number(const struct conf_setting *setting)
{
    static const char *const bad[] = { "", "x", "1x", "1.5", "0x10", " 1", "1 ",
        "99999999999999999999", "-99999999999999999999" };
    char text[32];

    for (int high = 0; high < 2; high++) {
        int64_t edge = high ? setting->high : setting->low;

        /* What must hold between settings is tested by itself. */
        if (strcmp(setting->name, "ping_s") && strcmp(setting->name, "dead_s")) {
            snprintf(text, sizeof(text), "%" PRId64, edge);
            assert_good(setting, text);
        }
        snprintf(text, sizeof(text), "%" PRId64, high ? edge + 1 : edge - 1);
        assert_bad(setting, text);
    }
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_bad(setting, bad[i]);
}

static void try_choice(const struct conf_setting *setting)
{
    char choices[128], *rest = NULL;

    snprintf(choices, sizeof(choices), "%s", setting->choices);
    for (char *word = strtok_r(choices, "|", &rest); word; word = strtok_r(NULL, "|", &rest))
        assert_good(setting, word);
    assert_bad(setting, "");
    assert_bad(setting, "none of these");
    assert_bad(setting, setting->choices);
}

START_TEST(every_setting_takes_its_good_values_and_names_the_line_of_a_bad_one)
{
    for (uint32_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *setting = &conf_settings[i];

        switch (setting->kind) {
        case CONF_TEXT:
            try_text(setting);
            break;
        case CONF_NUMBER:
            try_number(setting);
            break;
        case CONF_SWITCH:
            assert_good(setting, "yes");
            assert_good(setting, "off");
            assert_bad(setting, "");
            assert_bad(setting, "1");
            assert_bad(setting, "maybe");
            break;
        case CONF_CHOICE:
            try_choice(setting);
            break;
        }
    }
}
END_TEST

START_TEST(without_a_file_it_is_what_is_built_in)
{
    struct conf *conf = conf_load(NULL, note, NULL);

    ck_assert_ptr_nonnull(conf);
    ck_assert_str_eq(conf->top_database, "embedded");
    ck_assert_int_eq(conf->ocpp_heartbeat_s, 300);
    ck_assert_uint_eq(conf->listener_count, 1);
    ck_assert_str_eq(conf->listeners[0].bind, "127.0.0.1");
    ck_assert_uint_eq(conf->listeners[0].port, 9016);
    ck_assert_uint_eq(conf->listeners[0].serve, 15);
    ck_assert(conf->listeners[0].credentials);
    conf_free(conf);
}
END_TEST

START_TEST(the_environment_comes_before_the_file)
{
    struct conf *conf;

    setenv("CSMS_LIMITS_FRAGMENTS", "77", 1);
    conf = load("limits { fragments = 5 stall_s = 6 }");
    ck_assert_int_eq(conf->limits_fragments, 77);
    ck_assert_int_eq(conf->limits_stall_s, 6);
    conf_free(conf);
    setenv("CSMS_LIMITS_FRAGMENTS", "0", 1);
    ck_assert_ptr_null(load(""));
    ck_assert_ptr_nonnull(strstr(said, "CSMS_LIMITS_FRAGMENTS: limits.fragments: 0 is not from 1"));
    unsetenv("CSMS_LIMITS_FRAGMENTS");
    setenv("CSMS_DATABASE", "host=here", 1);
    conf = load("");
    ck_assert_str_eq(conf->top_database, "host=here");
    conf_free(conf);
    unsetenv("CSMS_DATABASE");
}
END_TEST

START_TEST(a_variable_that_sets_nothing_is_told)
{
    struct conf *conf;

    setenv("CSMS_LIMITS_FRAGMENT", "7", 1);
    setenv("CSMS_LOG_LEVEL", "warn", 1);
    conf = load("");
    ck_assert_ptr_nonnull(conf);
    conf_free(conf);
    ck_assert_str_eq(said, ""); /* a reload has nothing to say of it */
    conf_check_environment(note, NULL);
    unsetenv("CSMS_LIMITS_FRAGMENT");
    unsetenv("CSMS_LOG_LEVEL");
    ck_assert_str_eq(said,
        "CSMS_LIMITS_FRAGMENT: no setting has this name; it changes nothing\n");
}
END_TEST

START_TEST(each_setting_knows_where_it_came_from)
{
    char where[96];
    struct conf *conf;

    setenv("CSMS_LIMITS_FRAGMENTS", "77", 1);
    conf = load("\nlimits {\n connections = 9 }\n");
    snprintf(where, sizeof(where), "%s:3", file);
    ck_assert_str_eq(conf_source(conf, "limits.connections"), where);
    ck_assert_str_eq(conf_source(conf, "limits.fragments"), "CSMS_LIMITS_FRAGMENTS");
    ck_assert_str_eq(conf_source(conf, "state_dir"), "built in");
    conf_free(conf);
    unsetenv("CSMS_LIMITS_FRAGMENTS");
}
END_TEST

START_TEST(a_choice_is_the_constant_of_its_name)
{
    static const struct {
        const char *text;
        int level, format, frames, durability;
    } cases[] = {
        { "log { level = error format = auto frames = off } durability = full", LOG_LEVEL_ERROR,
            LOG_FORMAT_AUTO, CONF_FRAMES_OFF, CONF_DURABILITY_FULL },
        { "log { level = warn format = text frames = meta } durability = test", LOG_LEVEL_WARN,
            LOG_FORMAT_TEXT, CONF_FRAMES_META, CONF_DURABILITY_TEST },
        { "log { level = info format = json frames = full }", LOG_LEVEL_INFO, LOG_FORMAT_JSON,
            CONF_FRAMES_FULL, CONF_DURABILITY_FULL },
        { "log { level = debug }", LOG_LEVEL_DEBUG, LOG_FORMAT_AUTO, CONF_FRAMES_META,
            CONF_DURABILITY_FULL },
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct conf *conf = load(cases[i].text);

        ck_assert_msg(conf != NULL, "%s", said);
        ck_assert_int_eq(conf->log_level, cases[i].level);
        ck_assert_int_eq(conf->log_format, cases[i].format);
        ck_assert_int_eq(conf->log_frames, cases[i].frames);
        ck_assert_int_eq(conf->top_durability, cases[i].durability);
        conf_free(conf);
    }
}
END_TEST

START_TEST(everything_that_is_wrong_is_said_at_once)
{
    ck_assert_ptr_null(load("# the first line\n\ndurability = sometimes\nlog {\n level = loud\n}\n"
                            "limits {\n fragments = 0\n stall_s = x\n}\n"));
    ck_assert(said_at(3, "durability"));
    ck_assert(said_at(5, "log.level"));
    ck_assert(said_at(8, "limits.fragments"));
    ck_assert(said_at(9, "limits.stall_s"));
}
END_TEST

static const struct {
    const char *text;
    int line;
    const char *reason;
} broken[] = {
    { "log { level = info }\nlistner x { }\n", 2, "no such option 'listner'" },
    { "limits { half_opn = 3 }", 1, "half_opn" },
    { "log {\n level = \"info\n", 1, "not closed" },
    { "durability = \"full\n", 2, "end of file" },
    { "log {\n level = info\n", 1, "not closed" },
    { "# a brace { in a comment\n/* {\n */ log {\n level = \"}\"\n", 3, "not closed" },
    { "# comments and\n\n# blank lines\n\n/* do\n\n not */ log { // count\n\n\n level = x }", 10,
        "log.level" },
    { "durability = full }\n", 1, "" },
    { "= 3\n", 1, "" },
    { "ocpp { ping_s = 60\n dead_s = 60 }", 0, "ocpp.dead_s" },
    { "limits { large_bytes = 4194304\n message_bytes = 1048577 }", 2, "limits.message_bytes" },
    { "limits { large_bytes = 1048575 }", 1, "limits.large_bytes" },
    { "\ndatabase = joulebook", 2, "database: is no connection string: missing \"=\"" },
    { "\ndatabase = \"host=h colour=red\"", 2, "invalid connection option \"colour\"" },
    { "\ndatabase = \"host=h port=0\"", 2, "database: port=0: a port is" },
    { "\n\ndatabase = \"host=h password=geheim user=u\"", 3, "passfile=FILE" },
    { "database = \"postgresql://u:geheim@h/db\"", 1, "passfile=FILE" },
    { "database = \"host=h passfile=/nonexistent/pass\"", 1, "No such file" },
    { "\nlistener a { bind = localhost }", 2, "listener.bind" },
    { "\nlistener a { bind = \"1.2.3\" }", 2, "listener.bind" },
    { "listener a {\n port = 0 }", 2, "listener.port" },
    { "listener a {\n port = 65536 }", 2, "listener.port" },
    { "listener a {\n port = -1 }", 2, "listener.port" },
    { "listener a {\n port = http }", 2, "listener.port" },
    { "listener a {\n\n tls = maybe }", 3, "listener.tls" },
    { "listener a { tls = yes }", 1, "no TLS" },
    { "listener a {\n serve = {ocpp,\n coffee} }", 3, "\"coffee\"" },
    { "listener a {\n credentials = optional }", 2, "listener.credentials" },
    { "listener a { }\nlistener a { port = 9017 }", 2, "the name is taken" },
    { "listener a { port = 9017 }\nlistener b { port = 9017 }", 2, "is taken by listener a" },
    { "listener a { bind = \"::1\" }\nlistener b {\n bind = \"0:0::1\" }", 3,
        "::1:9016 is taken by listener a" },
    { "listener \"\" { }", 1, "name" },
    { "listener abcdefghijklmnopqrstuvwxyz0123456 { }", 1, "name" },
    { "listener a {\n bind = \"0.0.0.0\"\n credentials = none }", 2, "would admit piles" },
    { "listener a { bind = \"::\" credentials = none }", 1, "would admit piles" },
    { "listener a { bind = \"192.0.2.1\" credentials = none serve = {ocpp} }", 1, "would admit" },
    { "listener a { bind = \"192.0.2.1\" serve = {ocpp, admin} }", 1, "needs tls" },
    { "listener a { bind = \"2001:db8::1\" serve = {admin} }", 1, "needs tls" },
};

START_TEST(what_is_broken_is_refused_with_its_line)
{
    struct conf *conf = load(broken[_i].text);

    ck_assert_msg(conf == NULL, "%s", broken[_i].text);
    if (broken[_i].line)
        ck_assert_msg(said_at(broken[_i].line, broken[_i].reason), "%s\n%s", broken[_i].text, said);
    else
        ck_assert_ptr_nonnull(strstr(said, broken[_i].reason));
    ck_assert_ptr_null(strstr(said, "geheim"));
}
END_TEST

START_TEST(listeners_are_filled_in_by_where_they_listen)
{
    struct conf *conf = load("listener here { port = 9100 }\n"
                             "listener there { bind = \"0.0.0.0\" port = 9101 }\n"
                             "listener six { bind = \"::1\" port = 9102 credentials = none }\n"
                             "listener open { bind = \"127.9.9.9\" credentials = none }\n"
                             "listener numbers { bind = \"192.0.2.1\" serve = {metrics}\n"
                             "  credentials = none }\n");

    ck_assert_msg(conf != NULL, "%s", said);
    ck_assert_uint_eq(conf->listener_count, 5);
    ck_assert_uint_eq(conf->listeners[0].serve, 15);
    ck_assert(conf->listeners[0].credentials);
    ck_assert_uint_eq(conf->listeners[1].serve, LISTENER_OCPP);
    ck_assert_uint_eq(conf->listeners[2].serve, 15);
    ck_assert(!conf->listeners[2].credentials);
    ck_assert_uint_eq(conf->listeners[3].port, 9016);
    ck_assert_uint_eq(conf->listeners[4].serve, LISTENER_METRICS);
    conf_free(conf);
}
END_TEST

START_TEST(more_listeners_than_there_is_room_for_are_refused)
{
    char text[4096] = "";
    struct conf *conf;

    for (int i = 0; i < CONF_LISTENERS_MAX; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
            "listener l%d { port = %d }\n", i, 9100 + i);
    conf = load(text);
    ck_assert_ptr_nonnull(conf);
    conf_free(conf);
    strcat(text, "listener more { port = 9999 }\n");
    ck_assert_ptr_null(load(text));
    ck_assert(said_at(CONF_LISTENERS_MAX + 1, "listener more"));
}
END_TEST

START_TEST(what_is_printed_can_be_read_and_says_where_it_came_from)
{
    struct conf *conf = load("log { level = debug }\nstate_dir = \"a \\\"b\\\" c\"\n"
                             "listener x { port = 9100 credentials = none }\n"), *again;
    char *text = NULL, source[96];
    size_t length;
    FILE *out = open_memstream(&text, &length);

    conf_print(conf, out);
    fclose(out);
    snprintf(source, sizeof(source), "level = debug  # %s:1\n", file);
    ck_assert_ptr_nonnull(strstr(text, source));
    ck_assert_ptr_nonnull(strstr(text, "heartbeat_s = 300  # built in\n"));
    again = load(text);
    ck_assert_msg(again != NULL, "%s\n%s", text, said);
    conf_restart_needed(conf, again, note, NULL);
    ck_assert_str_eq(said, "");
    ck_assert_str_eq(again->top_state_dir, "a \"b\" c");
    ck_assert_int_eq(again->log_level, conf->log_level);
    conf_free(conf);
    conf_free(again);
    free(text);
}
END_TEST

START_TEST(a_reload_names_what_needs_a_restart)
{
    struct conf *old = load(""), *fresh = load("log { level = debug }\nlimits { connections = 7 }\n"
                                              "run_dir = elsewhere\nlistener x { }\n");

    conf_restart_needed(old, fresh, note, NULL);
    ck_assert_str_eq(said, "run_dir\nlimits.connections\nlistener\n");
    conf_free(old);
    conf_free(fresh);
}
END_TEST

START_TEST(the_reference_page_has_every_setting)
{
    char *text = NULL, name[80];
    size_t length;
    FILE *out = open_memstream(&text, &length);

    conf_describe(out);
    fclose(out);
    for (uint32_t i = 0; i < conf_setting_count; i++) {
        char full[64];

        conf_full_name(&conf_settings[i], full);
        snprintf(name, sizeof(name), "\n| `%s` | ", full);
        ck_assert_ptr_nonnull(strstr(text, name));
    }
    free(text);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_said)
{
    ck_assert_ptr_null(conf_load("/nonexistent/csmsd.conf", note, NULL));
    ck_assert_ptr_nonnull(strstr(said, "/nonexistent/csmsd.conf: cannot be read: No such file"));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, every_setting_takes_its_good_values_and_names_the_line_of_a_bad_one);
    tcase_add_test(tcase, without_a_file_it_is_what_is_built_in);
    tcase_add_test(tcase, the_environment_comes_before_the_file);
    tcase_add_test(tcase, a_variable_that_sets_nothing_is_told);
    tcase_add_test(tcase, a_choice_is_the_constant_of_its_name);
    tcase_add_test(tcase, each_setting_knows_where_it_came_from);
    tcase_add_test(tcase, everything_that_is_wrong_is_said_at_once);
    tcase_add_loop_test(
        tcase, what_is_broken_is_refused_with_its_line, 0, sizeof(broken) / sizeof(broken[0]));
    tcase_add_test(tcase, listeners_are_filled_in_by_where_they_listen);
    tcase_add_test(tcase, more_listeners_than_there_is_room_for_are_refused);
    tcase_add_test(tcase, what_is_printed_can_be_read_and_says_where_it_came_from);
    tcase_add_test(tcase, a_reload_names_what_needs_a_restart);
    tcase_add_test(tcase, the_reference_page_has_every_setting);
    tcase_add_test(tcase, a_file_that_is_not_there_is_said);
    tcase_add_test(tcase, an_included_file_counts_where_it_stands);
    tcase_add_loop_test(tcase, a_fault_of_an_included_file_is_told_by_its_own_name_and_line, 0,
        sizeof(included) / sizeof(included[0]));
    tcase_add_test(tcase, what_cannot_be_included_or_read_is_told);
}

int main(void)
{
    return support_run("conf", add);
}
