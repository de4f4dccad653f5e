/* reply.c - confirmations, made from the row that the database answered.
 *
 * Strict out: what a row holds too much of (a parent longer than the schema allows) is left out,
 * so that a valid confirmation leaves in any case.
 */
#include "csms/core/inside.h"

#include "ocpp/encode.h"

#include <string.h>

/* OCPP 1.6, 4.2: how long a pending or rejected station shall wait before it boots again. */
enum { RETRY_S = 60 };

typedef size_t reply_fn(
    struct core *, struct core_now, const struct core_job *, const struct core_answer *);

static size_t encode(struct core *core, const struct core_job *job, const void *conf)
{
    return ocpp_encode_result(
        core->out, sizeof core->out, job->frame.id, job->frame.action, conf);
}

static struct ocpp_enum enum_of(enum ocpp_enum_kind kind, const char *text, int otherwise)
{
    int value = text != NULL ? ocpp_enum_find(kind, text) : OCPP_UNKNOWN;

    return (struct ocpp_enum){.value = value != OCPP_UNKNOWN ? value : otherwise, .present = true};
}

static void tag_info(struct ocpp_id_tag_info *info, const struct core_answer *answer)
{
    struct ocpp_authorize_conf probe = {.id_tag_info = info};
    struct ocpp_fault fault;

    *info = (struct ocpp_id_tag_info){
        .status = enum_of(OCPP_ENUM_AUTHORIZATION_STATUS, answer->status,
            OCPP_AUTHORIZATION_STATUS_INVALID),
        .parent_id_tag = answer->parent,
        .expiry_date = {.unix_us = answer->expiry_us, .present = answer->has_expiry},
    };
    if (ocpp_payload_fault(OCPP_AUTHORIZE, true, &probe, &fault)) {
        info->parent_id_tag = NULL;
        info->expiry_date = (struct ocpp_time){0};
    }
}

static size_t reply_boot(struct core *core, struct core_now now, const struct core_job *job,
    const struct core_answer *answer)
{
    static const int statuses[] = {
        [CORE_NEVER_BOOTED] = OCPP_REGISTRATION_STATUS_PENDING,
        [CORE_ACCEPTED] = OCPP_REGISTRATION_STATUS_ACCEPTED,
        [CORE_PENDING] = OCPP_REGISTRATION_STATUS_PENDING,
        [CORE_REJECTED] = OCPP_REGISTRATION_STATUS_REJECTED,
    };
    int64_t own_s = answer->interval_s, heartbeat_s = own_s > 0 ? own_s : core->config.heartbeat_s;
    struct ocpp_boot_notification_conf conf = {
        .status = {.value = statuses[answer->registration], .present = true},
        .current_time = {.unix_us = now.wall_us, .present = true},
        .interval = {.value = answer->registration == CORE_ACCEPTED ? heartbeat_s : RETRY_S,
            .present = true},
    };

    return encode(core, job, &conf);
}

static size_t reply_authorize(struct core *core, struct core_now now, const struct core_job *job,
    const struct core_answer *answer)
{
    struct ocpp_id_tag_info info;
    struct ocpp_authorize_conf conf = {.id_tag_info = &info};

    (void)now;
    tag_info(&info, answer);
    return encode(core, job, &conf);
}

static size_t reply_start(struct core *core, struct core_now now, const struct core_job *job,
    const struct core_answer *answer)
{
    struct ocpp_id_tag_info info;
    struct ocpp_start_transaction_conf conf = {
        .id_tag_info = &info,
        .transaction_id = {.value = answer->transaction_id, .present = true},
    };

    (void)now;
    tag_info(&info, answer);
    return encode(core, job, &conf);
}

static size_t reply_stop(struct core *core, struct core_now now, const struct core_job *job,
    const struct core_answer *answer)
{
    struct ocpp_id_tag_info info;
    struct ocpp_stop_transaction_conf conf = {0};

    (void)now;
    if (answer->status != NULL) {
        tag_info(&info, answer);
        conf.id_tag_info = &info;
    }
    return encode(core, job, &conf);
}

static size_t reply_data_transfer(struct core *core, struct core_now now,
    const struct core_job *job, const struct core_answer *answer)
{
    struct ocpp_data_transfer_conf conf = {
        .status = enum_of(OCPP_ENUM_DATA_TRANSFER_STATUS, answer->status,
            OCPP_DATA_TRANSFER_STATUS_REJECTED),
        .data = answer->data,
    };
    size_t length = encode(core, job, &conf);

    (void)now;
    if (length != 0)
        return length;
    conf.data = NULL;
    return encode(core, job, &conf);
}

/* A08: there is no certificate authority here, and a station must not wait for one. */
static size_t reply_sign_certificate(struct core *core, struct core_now now,
    const struct core_job *job, const struct core_answer *answer)
{
    struct ocpp_sign_certificate_conf conf = {
        .status = {.value = OCPP_GENERIC_STATUS_REJECTED, .present = true},
    };

    (void)now;
    (void)answer;
    return encode(core, job, &conf);
}

/* Every other confirmation has no member. */
static size_t reply_empty(struct core *core, struct core_now now, const struct core_job *job,
    const struct core_answer *answer)
{
    static const struct ocpp_meter_values_conf nothing;

    (void)now;
    (void)answer;
    return encode(core, job, &nothing);
}

static reply_fn *const replies[OCPP_ACTION_COUNT] = {
    [OCPP_BOOT_NOTIFICATION] = reply_boot,
    [OCPP_AUTHORIZE] = reply_authorize,
    [OCPP_START_TRANSACTION] = reply_start,
    [OCPP_STOP_TRANSACTION] = reply_stop,
    [OCPP_DATA_TRANSFER] = reply_data_transfer,
    [OCPP_SIGN_CERTIFICATE] = reply_sign_certificate,
};

size_t reply_encode(struct core *core, struct core_now now, const struct core_job *job,
    const struct core_answer *answer)
{
    reply_fn *reply = replies[job->frame.action];

    return reply != NULL ? reply(core, now, job, answer) : reply_empty(core, now, job, answer);
}

size_t reply_heartbeat(struct core *core, struct core_now now, const struct core_job *job)
{
    struct ocpp_heartbeat_conf conf = {
        .current_time = {.unix_us = now.wall_us, .present = true},
    };

    return encode(core, job, &conf);
}
