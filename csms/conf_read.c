/* conf_read.c - the configuration file through libconfuse.
 *
 * Every value goes through libconfuse as text, so that one place judges it and knows its line.
 * libconfuse's callbacks carry no context of ours: while a file is read, and only then, a variable
 * of the reading thread leads to it.
 */
#include "csms/conf_internal.h"
#include "csms/listener.h"

#include <arpa/inet.h>
#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS_MAX = 16, INCLUDES_MAX = 8 };

struct listener_draft {
    struct conf_listener listener;
    bool serve_told;
    unsigned served; /* words of serve that were judged: the last one is told of twice */
};

struct file_reader {
    struct conf_reader *reader;
    const char *file;  /* that is read now */
    unsigned depth;    /* how many files include it */
    char *include;     /* a file to be read next; NULL: none */
    int include_line;
    struct listener_draft draft;
    bool started; /* a listener */
};

static _Thread_local struct file_reader *reading;

static void where_of(cfg_t *cfg, char *ret, size_t size)
{
    snprintf(ret, size, "%s:%d", cfg && cfg->filename ? cfg->filename : reading->file,
        cfg ? cfg->line : 0);
}

__attribute__((format(printf, 2, 0))) static void on_error(
    cfg_t *cfg, const char *format, va_list args)
{
    char where[600], reason[400];

    where_of(cfg, where, sizeof(where));
    vsnprintf(reason, sizeof(reason), format, args);
    conf_complain(reading->reader, where, "%s", reason);
}

static bool is_setting(const struct conf_setting *setting, const char *section, const char *name)
{
    const char *of = strcmp(section, "root") ? section : "top";

    return !strcmp(setting->section, of) && !strcmp(setting->name, name);
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *text = cfg_opt_getnstr(opt, 0);
    char where[600];

    where_of(cfg, where, sizeof(where));
    for (uint32_t i = 0; i < conf_setting_count; i++)
        if (is_setting(&conf_settings[i], cfg_name(cfg), cfg_opt_name(opt)))
            conf_set(reading->reader, i, where, text ? text : "");
    return 0; /* go on, to find all that is wrong */
}

static void set_bind(struct listener_draft *draft, const char *where, const char *text)
{
    unsigned char address[sizeof(struct in6_addr)]; /* room for either */
    char canonical[INET6_ADDRSTRLEN];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;

    /* In one spelling, so that two listeners at one address are told apart from two addresses. */
    if (inet_pton(family, text, address) != 1 ||
        !inet_ntop(family, address, canonical, sizeof(canonical))) {
        conf_complain(
            reading->reader, where, "listener.bind: \"%s\" is no IPv4 or IPv6 address", text);
        return;
    }
    free(draft->listener.bind);
    draft->listener.bind = strdup(canonical);
}

static void set_port(struct listener_draft *draft, const char *where, const char *text)
{
    char *end;
    unsigned long port;

    errno = 0;
    port = strtoul(text, &end, 10);
    if (!*text || *text == '-' || *end || errno || port < 1 || port > 65535) {
        conf_complain(
            reading->reader, where, "listener.port: \"%s\" is not from 1 to 65535", text);
        return;
    }
    draft->listener.port = (uint16_t)port;
}

static void set_serve(struct listener_draft *draft, const char *where, const char *text)
{
    uint32_t bit = conf_purpose(text);

    if (!bit)
        conf_complain(reading->reader, where,
            "listener.serve: \"%s\" is none of ocpp, admin, console, metrics", text);
    draft->listener.serve |= bit;
    draft->serve_told = true;
    draft->served++;
}

static void set_either(bool *ret, const char *where, const char *name, const char *text,
    const char *const words[2])
{
    if (!strcmp(text, words[0]) || !strcmp(text, words[1]))
        *ret = !strcmp(text, words[1]);
    else
        conf_complain(reading->reader, where, "listener.%s: \"%s\" is neither %s nor %s", name,
            text, words[1], words[0]);
}

/* A section begins with its first value: libconfuse calls nothing at the brace. */
static struct listener_draft *draft_of(cfg_t *cfg)
{
    struct listener_draft *draft = &reading->draft;
    char where[600];

    if (reading->started)
        return draft;
    where_of(cfg, where, sizeof(where));
    *draft = (struct listener_draft){ .listener = { .credentials = true, .port = 9016,
        .bind = strdup("127.0.0.1"), .source = strdup(where) } };
    reading->started = true;
    return draft;
}

static int on_listener_value(cfg_t *cfg, cfg_opt_t *opt)
{
    static const char *const tls[] = { "no", "yes" }, *const credentials[] = { "none", "required" };
    struct listener_draft *draft = draft_of(cfg);
    const char *name = cfg_opt_name(opt), *text;
    unsigned count = cfg_opt_size(opt);
    char where[600];

    text = count ? cfg_opt_getnstr(opt, count - 1) : "";
    text = text ? text : "";
    where_of(cfg, where, sizeof(where));
    if (!strcmp(name, "bind"))
        set_bind(draft, where, text);
    else if (!strcmp(name, "port"))
        set_port(draft, where, text);
    else if (!strcmp(name, "serve") && count > draft->served)
        set_serve(draft, where, text);
    else if (!strcmp(name, "tls"))
        set_either(&draft->listener.tls, where, name, text, tls);
    else if (!strcmp(name, "credentials"))
        set_either(&draft->listener.credentials, where, name, text, credentials);
    return 0;
}

static void drop_draft(void)
{
    free(reading->draft.listener.name);
    free(reading->draft.listener.bind);
    free(reading->draft.listener.source);
    reading->draft = (struct listener_draft){ 0 };
    reading->started = false;
}

/* The closing brace. */
static int on_listener(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
    struct listener_draft *draft = draft_of(section);
    struct conf *conf = reading->reader->conf;
    const char *title = cfg_title(section);
    struct conf_listener *listener;

    (void)cfg;
    if (!draft->listener.bind || !draft->listener.source) {
        conf_complain(reading->reader, reading->file, "no memory");
        drop_draft();
        return 0;
    }
    if (!title || !*title || strlen(title) > LISTENER_NAME_MAX) {
        conf_complain(reading->reader, draft->listener.source,
            "listener: the name has 1 to %d characters", LISTENER_NAME_MAX);
        drop_draft();
        return 0;
    }
    if (conf->listener_count == CONF_LISTENERS_MAX) {
        conf_complain(reading->reader, draft->listener.source, "listener %s: %d are the most",
            title, CONF_LISTENERS_MAX);
        drop_draft();
        return 0;
    }
    draft->listener.name = strdup(title);
    if (!draft->listener.name) {
        conf_complain(reading->reader, draft->listener.source, "no memory");
        drop_draft();
        return 0;
    }
    listener = &conf->listeners[conf->listener_count++];
    *listener = draft->listener;
    conf_listener_finish(reading->reader, listener, draft->serve_told);
    reading->draft = (struct listener_draft){ 0 };
    reading->started = false;
    return 0;
}

/* The file is read when this piece of text has been. */
static int on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
    char where[600];

    (void)opt;
    where_of(cfg, where, sizeof(where));
    if (argc != 1) {
        conf_complain(reading->reader, where, "include: names one file");
    } else {
        reading->include_line = cfg->line;
        reading->include = strdup(argv[0]);
        if (!reading->include)
            conf_complain(reading->reader, where, "no memory");
    }
    return 0;
}

/* libconfuse's tables, made from ours. */
struct options {
    cfg_opt_t root[64];
    cfg_opt_t sections[SECTIONS_MAX][64];
    const char *names[SECTIONS_MAX];
    unsigned root_count, counts[SECTIONS_MAX], section_count;
};

static unsigned section_of(struct options *options, const char *name)
{
    for (unsigned i = 0; i < options->section_count; i++)
        if (!strcmp(options->names[i], name))
            return i;
    options->names[options->section_count] = name;
    return options->section_count++;
}

static cfg_opt_t text_option(const char *name)
{
    cfg_opt_t option = CFG_STR(0, NULL, CFGF_NODEFAULT);

    option.name = name;
    option.validcb = on_value;
    return option;
}

static void make_options(struct options *options, cfg_opt_t *listener)
{
    const cfg_opt_t end = CFG_END();
    const cfg_opt_t include = CFG_FUNC("include", on_include);
    cfg_opt_t listeners = CFG_SEC("listener", listener, CFGF_MULTI | CFGF_TITLE);

    for (uint32_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *setting = &conf_settings[i];
        unsigned section;

        if (!strcmp(setting->section, "top")) {
            options->root[options->root_count++] = text_option(setting->name);
            continue;
        }
        section = section_of(options, setting->section);
        options->sections[section][options->counts[section]++] = text_option(setting->name);
    }
    for (unsigned i = 0; i < options->section_count; i++) {
        cfg_opt_t section = CFG_SEC(0, options->sections[i], CFGF_NONE);

        section.name = options->names[i];
        options->sections[i][options->counts[i]] = end;
        options->root[options->root_count++] = section;
    }
    listeners.validcb = on_listener;
    options->root[options->root_count++] = listeners;
    options->root[options->root_count++] = include;
    options->root[options->root_count] = end;
}

static char *slurp(const char *name, size_t *ret_length)
{
    FILE *in = fopen(name, "re");
    char *text = NULL;
    size_t room = 0;
    ssize_t n;
    int error;

    if (!in)
        return NULL;
    n = getdelim(&text, &room, '\0', in);
    error = n < 0 && (ferror(in) || !text) ? errno : 0; /* a folder can be opened, not read */
    fclose(in);
    if (error) {
        free(text);
        errno = error;
        return NULL;
    }
    *ret_length = n < 0 ? 0 : (size_t)n;
    text[*ret_length] = '\0';
    return text;
}

/* The end of the string that begins here, or of the text. */
static char *skip_string(char *at, char quote, int *line)
{
    for (at++; *at && *at != quote; at++) {
        *line += *at == '\n';
        if (*at == '\\' && at[1])
            *line += *++at == '\n';
    }
    return *at ? at : at - 1;
}

static char *blank_comment(char *at, int *line)
{
    bool block = at[0] == '/' && at[1] == '*';
    char *end = block ? strstr(at + 2, "*/") : strchr(at, '\n');

    end = end ? end + 2 * block : at + strlen(at);
    for (; at < end; at++) {
        *line += *at == '\n';
        if (*at != '\n')
            *at = ' ';
    }
    return at - 1;
}

/* libconfuse 3.3 counts lines wrongly after a comment and takes the end of the file for a closing
 * brace.  So comments become blanks first, and braces are counted.  Returns the line of one that
 * is not closed, 0: there is none. */
static int prepare(char *text)
{
    int open[8], depth = 0, line = 1;
    bool fresh = true; /* a token may begin here */

    for (char *at = text; *at; at++) {
        if (fresh && (*at == '#' || (*at == '/' && (at[1] == '/' || at[1] == '*')))) {
            at = blank_comment(at, &line);
            continue;
        }
        if (*at == '"' || *at == '\'')
            at = skip_string(at, *at, &line);
        else if (*at == '{' && depth < 8)
            open[depth++] = line;
        else if (*at == '}' && depth)
            depth--;
        line += *at == '\n';
        fresh = strchr(" \t\r\n{}=,()+\"'", *at) != NULL;
    }
    return depth ? open[depth - 1] : 0;
}

/* The first include that stands in no section, at or after this; the end of the text if there is
 * none.  *ret_end: behind its closing parenthesis. */
static size_t find_include(char *text, size_t from, size_t *ret_end)
{
    int depth = 0, line = 0;
    bool fresh = true;

    for (char *at = text + from; *at; at++) {
        if (fresh && !depth && !strncmp(at, "include", 7) && strchr(" \t\r\n(", at[7])) {
            size_t start = (size_t)(at - text);

            for (at += 7; *at && *at != ')'; at++)
                if (*at == '"' || *at == '\'')
                    at = skip_string(at, *at, &line);
            *ret_end = (size_t)(at - text) + (*at == ')');
            return start;
        }
        if (*at == '"' || *at == '\'')
            at = skip_string(at, *at, &line);
        depth += *at == '{' ? 1 : *at == '}' && depth ? -1 : 0;
        fresh = strchr(" \t\r\n{}=,()+\"'", *at) != NULL;
    }
    *ret_end = strlen(text);
    return *ret_end;
}

/* Reads [from, end) of the text and sees the rest as empty lines, so that it counts them right. */
static void parse_piece(struct file_reader *file, cfg_opt_t *root, const char *text, size_t from,
    size_t end)
{
    char *piece = strdup(text);
    FILE *in = piece ? fmemopen(piece, end, "r") : NULL;
    cfg_t *cfg = cfg_init(root, CFGF_NONE);

    for (size_t i = 0; piece && i < from; i++)
        if (piece[i] != '\n')
            piece[i] = ' ';
    if (cfg)
        cfg->filename = strdup(file->file);
    if (!in || !cfg || !cfg->filename) {
        conf_complain(file->reader, file->file, "no memory");
    } else {
        cfg_set_error_function(cfg, on_error);
        cfg_parse_fp(cfg, in);
    }
    if (cfg)
        cfg_free(cfg);
    if (in)
        fclose(in);
    free(piece);
}

static void parse(struct file_reader *file, const char *where);

/* libconfuse's own include would read the file as it is, with wrong lines under the outer name. */
static void parse_included(struct file_reader *file)
{
    const char *outer = file->file;
    char *name = file->include, where[600];

    file->include = NULL;
    if (!name)
        return;
    snprintf(where, sizeof(where), "%s:%d", outer, file->include_line);
    if (file->depth == INCLUDES_MAX) {
        conf_complain(file->reader, where, "include: %s: %d files that include each other are "
            "the most", name, INCLUDES_MAX);
    } else {
        file->depth++;
        file->file = name;
        parse(file, where);
        file->file = outer;
        file->depth--;
    }
    free(name);
}

static void parse_text(struct file_reader *file, cfg_opt_t *root, char *text, size_t length)
{
    char where[600];
    size_t from = 0, include, end;
    int open;

    if (strlen(text) != length) {
        conf_complain(file->reader, file->file, "holds a NUL");
        return;
    }
    open = prepare(text);
    if (open) {
        snprintf(where, sizeof(where), "%s:%d", file->file, open);
        conf_complain(file->reader, where, "this brace is not closed");
        return;
    }
    do {
        include = find_include(text, from, &end);
        if (from < include)
            parse_piece(file, root, text, from, include);
        if (include < end)
            parse_piece(file, root, text, include, end);
        parse_included(file);
        from = end;
    } while (from < length);
}

/* where: who names the file. */
static void parse(struct file_reader *file, const char *where)
{
    cfg_opt_t listener[] = { CFG_STR("bind", NULL, CFGF_NODEFAULT),
        CFG_STR("port", NULL, CFGF_NODEFAULT), CFG_STR("tls", NULL, CFGF_NODEFAULT),
        CFG_STR("credentials", NULL, CFGF_NODEFAULT), CFG_STR_LIST("serve", NULL, CFGF_NODEFAULT),
        CFG_END() };
    struct options options = { 0 };
    size_t length = 0;
    char *text = slurp(file->file, &length);
    const char *of = where == file->file ? "" : file->file;

    if (!text) {
        conf_complain(file->reader, where, "%s%scannot be read: %s", of, *of ? " " : "",
            strerror(errno));
        return;
    }
    for (unsigned i = 0; i < 5; i++)
        listener[i].validcb = on_listener_value;
    make_options(&options, listener);
    parse_text(file, options.root, text, length);
    free(text);
}

void conf_file_read(struct conf_reader *reader, const char *file)
{
    struct file_reader state = { .reader = reader, .file = file };

    reading = &state;
    parse(&state, file);
    drop_draft();
    reading = NULL;
}
