/* tree.c - see tree.h.  The recursion is bounded by the gate's depth. */
#include "ocpp/tree.h"

#include <assert.h>
#include <threads.h>

/* Where the tree goes that this thread is reading: cJSON asks for a block for each node and each
 * string, and to give them back one by one costs more than to read them. */
static thread_local struct ocpp_arena *reading;

static void *take(size_t size)
{
    assert(reading != NULL);
    return ocpp_arena_take(reading, size);
}

/* What a parse without memory gives back goes with the arena. */
static void keep(void *block)
{
    (void)block;
}

static void set_hooks(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){take, keep});
}

/* In document order, which is the gate's. */
static void index_numbers(cJSON *node, uint32_t *next)
{
    for (; node != NULL; node = node->next) {
        if (cJSON_IsNumber(node))
            node->valueint = (int)(*next)++;
        else if (node->child != NULL)
            index_numbers(node->child, next);
    }
}

cJSON *ocpp_tree_read(
    const char *text, size_t length, uint32_t first_number, struct ocpp_arena *arena)
{
    static once_flag hooked = ONCE_FLAG_INIT;
    uint32_t next = first_number;
    cJSON *root;

    call_once(&hooked, set_hooks);
    reading = arena;
    root = cJSON_ParseWithLengthOpts(text, length, NULL, false);
    reading = NULL;
    if (root != NULL)
        index_numbers(root, &next);
    return root;
}

const char *ocpp_tree_number(
    const struct ocpp_source *source, const cJSON *number, size_t *ret_length)
{
    const struct ocpp_mark *mark = &source->numbers[number->valueint];

    assert(cJSON_IsNumber(number));
    *ret_length = mark->length;
    return source->text + mark->offset;
}

static void write_members(const struct ocpp_source *source, const cJSON *node, struct ocpp_out *out)
{
    bool object = cJSON_IsObject(node);

    ocpp_out_text(out, object ? "{" : "[");
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (child != node->child)
            ocpp_out_text(out, ",");
        if (object) {
            ocpp_out_quoted(out, child->string);
            ocpp_out_text(out, ":");
        }
        ocpp_tree_write(source, child, out);
    }
    ocpp_out_text(out, object ? "}" : "]");
}

void ocpp_tree_write(const struct ocpp_source *source, const cJSON *node, struct ocpp_out *out)
{
    if (cJSON_IsObject(node) || cJSON_IsArray(node)) {
        write_members(source, node, out);
    } else if (cJSON_IsNumber(node)) {
        size_t length;
        const char *text = ocpp_tree_number(source, node, &length);

        ocpp_out_bytes(out, text, length);
    } else if (cJSON_IsString(node)) {
        ocpp_out_quoted(out, node->valuestring);
    } else {
        ocpp_out_text(out, cJSON_IsTrue(node) ? "true" : cJSON_IsFalse(node) ? "false" : "null");
    }
}
