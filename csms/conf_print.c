/* conf_print.c - the configuration for people: in force, in a reference table, what changed. */
#include "csms/conf_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void put_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++)
        fprintf(out, strchr("\"\\$", *text) ? "\\%c" : "%c", *text);
    fputc('"', out);
}

static void put_choice(FILE *out, const char *choices, int64_t index)
{
    while (index--)
        choices += strcspn(choices, "|") + 1;
    fprintf(out, "%.*s", (int)strcspn(choices, "|"), choices);
}

static void put_value(const struct conf *conf, const struct conf_setting *setting, FILE *out)
{
    int64_t number;

    if (setting->kind == CONF_TEXT) {
        put_text(out, *conf_text_of((struct conf *)conf, setting));
        return;
    }
    number = conf_number_of(conf, setting);
    if (setting->kind == CONF_NUMBER)
        fprintf(out, "%" PRId64, number);
    else if (setting->kind == CONF_SWITCH)
        fputs(number ? "yes" : "no", out);
    else
        put_choice(out, setting->choices, number);
}

static void put_line(const struct conf *conf, uint32_t i, const char *indent, FILE *out)
{
    fprintf(out, "%s%s = ", indent, conf_settings[i].name);
    put_value(conf, &conf_settings[i], out);
    fprintf(out, "  # %s\n", conf->sources[i]);
}

static void put_listener(const struct conf_listener *listener, FILE *out)
{
    const char *comma = "";

    fprintf(out, "listener %s {  # %s\n    bind = \"%s\"\n    port = %u\n    tls = %s\n",
        listener->name, listener->source, listener->bind, listener->port,
        listener->tls ? "yes" : "no");
    fputs("    serve = {", out);
    for (uint32_t bit = 1; conf_purpose_name(bit); bit *= 2)
        if (listener->serve & bit) {
            fprintf(out, "%s%s", comma, conf_purpose_name(bit));
            comma = ", ";
        }
    fprintf(out, "}\n    credentials = %s\n}\n", listener->credentials ? "required" : "none");
}

void conf_print(const struct conf *conf, FILE *out)
{
    const char *open = "top";

    for (uint32_t i = 0; i < conf_setting_count; i++) {
        const char *section = conf_settings[i].section;

        if (strcmp(section, open)) {
            fprintf(out, "%s%s {\n", strcmp(open, "top") ? "}\n" : "", section);
            open = section;
        }
        put_line(conf, i, strcmp(section, "top") ? "    " : "", out);
    }
    fputs(strcmp(open, "top") ? "}\n" : "", out);
    for (uint32_t i = 0; i < conf->listener_count; i++)
        put_listener(&conf->listeners[i], out);
}

static bool same(
    const struct conf *old, const struct conf *fresh, const struct conf_setting *setting)
{
    if (setting->kind == CONF_TEXT)
        return !strcmp(*conf_text_of((struct conf *)old, setting),
            *conf_text_of((struct conf *)fresh, setting));
    return conf_number_of(old, setting) == conf_number_of(fresh, setting);
}

static bool same_listener(const struct conf_listener *a, const struct conf_listener *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->bind, b->bind) && a->port == b->port &&
        a->tls == b->tls && a->serve == b->serve && a->credentials == b->credentials;
}

static bool same_listeners(const struct conf *old, const struct conf *fresh)
{
    if (old->listener_count != fresh->listener_count)
        return false;
    for (uint32_t i = 0; i < old->listener_count; i++)
        if (!same_listener(&old->listeners[i], &fresh->listeners[i]))
            return false;
    return true;
}

void conf_restart_needed(
    const struct conf *old, const struct conf *fresh, conf_report *report, void *ctx)
{
    for (uint32_t i = 0; i < conf_setting_count; i++) {
        char name[64];

        if (conf_settings[i].when != CONF_RESTART || same(old, fresh, &conf_settings[i]))
            continue;
        conf_full_name(&conf_settings[i], name);
        report(ctx, name);
    }
    if (!same_listeners(old, fresh))
        report(ctx, "listener");
}

static void describe_bounds(const struct conf_setting *setting, FILE *out)
{
    static const char *const words[] = { "no", "yes" };

    switch (setting->kind) {
    case CONF_TEXT:
        fprintf(out, "`\"%s\"` | text of %" PRId64 " to %" PRId64, setting->text, setting->low,
            setting->high);
        break;
    case CONF_NUMBER:
        fprintf(out, "`%" PRId64 "` | %" PRId64 " to %" PRId64, setting->number, setting->low,
            setting->high);
        break;
    case CONF_SWITCH:
        fprintf(out, "`%s` | yes, no", words[setting->number]);
        break;
    case CONF_CHOICE:
        fputc('`', out);
        put_choice(out, setting->choices, setting->number);
        fputs("` | ", out);
        for (const char *c = setting->choices; *c; c++)
            fputs(*c == '|' ? ", " : (char[2]){ *c, '\0' }, out);
        break;
    }
}

void conf_describe(FILE *out)
{
    fputs("| setting | built in | values | in force after | meaning |\n", out);
    fputs("|---|---|---|---|---|\n", out);
    for (uint32_t i = 0; i < conf_setting_count; i++) {
        char name[64];

        conf_full_name(&conf_settings[i], name);
        fprintf(out, "| `%s` | ", name);
        describe_bounds(&conf_settings[i], out);
        fprintf(out, " | %s | %s |\n",
            conf_settings[i].when == CONF_RELOAD ? "reload" : "restart",
            conf_settings[i].meaning);
    }
}
