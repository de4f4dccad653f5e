-- Queues a command to a pile: the one way there is. With an idempotency key the same command again is the
-- same row; with the key and another command it is refused.
CREATE OR REPLACE FUNCTION api.command_add(station core.station, action text, payload jsonb, session uuid,
    idempotency_key text, deadline_s integer)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queued core.command;
    repeated boolean := false;
BEGIN
    PERFORM api.require_text(idempotency_key, 'idempotency_key', 128, false);
    PERFORM api.require_number(deadline_s, 'deadline_s', 1, 86400);
    INSERT INTO core.command AS c (station_id, action, payload, deadline, actor, idempotency_key, session_uid, repeatable)
    VALUES (station.id, command_add.action, command_add.payload,
            clock_timestamp() + make_interval(secs => coalesce(deadline_s, 60)), core.actor(),
            command_add.idempotency_key, command_add.session,
            coalesce((SELECT o.repeatable FROM core.ocpp_action o WHERE o.action = command_add.action), false))
    ON CONFLICT ON CONSTRAINT command_actor_idempotency_key_key DO NOTHING RETURNING * INTO queued;
    IF queued.id IS NULL THEN
        repeated := true;
        SELECT * INTO queued FROM core.command c
        WHERE c.actor = core.actor() AND c.idempotency_key = command_add.idempotency_key;
        IF (queued.station_id, queued.action, queued.payload)
           IS DISTINCT FROM (station.id, command_add.action, command_add.payload) THEN
            PERFORM api.refuse('repeat-changed', 'idempotency_key', idempotency_key);
        END IF;
    ELSE
        PERFORM api.audit(action, station.site_id, station.identity, NULL, jsonb_build_object('command', queued.id));
    END IF;
    RETURN jsonb_build_object('commandId', queued.id, 'chargePointId', station.identity, 'action', queued.action,
        'state', queued.state, 'deadlineAt', queued.deadline, 'repeated', repeated,
        'isOnline', EXISTS (SELECT FROM core.station_connection k WHERE k.station_id = station.id
                            AND k.opened_at IS NOT NULL AND k.closed_at IS NULL));
END
$$;
ALTER FUNCTION api.command_add(core.station, text, jsonb, uuid, text, integer) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.command_add(core.station, text, jsonb, uuid, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION api.command_add(core.station, text, jsonb, uuid, text, integer) IS
    'Queues a command to a pile. | 将发往充电桩的命令排队。';
