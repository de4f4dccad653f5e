/* path.c - see path.h. */
#include "ocpp/path.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void ocpp_path_push(struct ocpp_path *path, const char *name)
{
    assert(path->depth < OCPP_DEPTH_MAX);
    path->steps[path->depth++] = (struct ocpp_step){name, OCPP_PATH_NO_INDEX};
}

void ocpp_path_index(struct ocpp_path *path, uint32_t index)
{
    assert(path->depth > 0);
    path->steps[path->depth - 1].index = index;
}

void ocpp_path_pop(struct ocpp_path *path)
{
    assert(path->depth > 0);
    path->depth--;
}

/* Appends as much of the text as fits, whole code points only. */
static void append(char *buf, size_t size, const char *text)
{
    size_t used = strlen(buf), length = strlen(text);

    if (length >= size - used) {
        length = size - used - 1;
        while (length > 0 && (text[length] & 0xC0) == 0x80)
            length--;
    }
    memcpy(buf + used, text, length);
    buf[used + length] = '\0';
}

void ocpp_path_write(const struct ocpp_path *path, char *buf, size_t size)
{
    buf[0] = '\0';
    for (uint32_t i = 0; i < path->depth; i++) {
        char index[16];

        if (i > 0)
            append(buf, size, ".");
        append(buf, size, path->steps[i].name);
        if (path->steps[i].index == OCPP_PATH_NO_INDEX)
            continue;
        snprintf(index, sizeof(index), "[%u]", path->steps[i].index);
        append(buf, size, index);
    }
}
