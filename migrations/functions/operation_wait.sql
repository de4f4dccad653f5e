-- Waits for a command to be answered or given up, at most so many seconds, and tells its state. Call it in
-- a transaction of its own: a command that is not committed yet cannot be sent.
CREATE OR REPLACE FUNCTION operation.wait(id bigint, seconds integer DEFAULT 20)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    command core.command;
    station core.station;
    until timestamptz;
BEGIN
    PERFORM core.actor();
    -- Less than the statement_timeout that logins have.
    PERFORM api.require_number(seconds, 'seconds', 0, 25);
    until := clock_timestamp() + make_interval(secs => coalesce(seconds, 20));
    LOOP
        SELECT * INTO command FROM core.command c WHERE c.id = wait.id;
        IF station.id IS NULL THEN
            SELECT * INTO station FROM core.station p
            WHERE p.id = command.station_id AND p.site_id IN (SELECT core.visible_sites());
            IF station.id IS NULL THEN
                PERFORM api.refuse('command-unknown', 'id', coalesce(id::text, ''));
            END IF;
            PERFORM core.require_site(station.site_id);
        END IF;
        EXIT WHEN command.state NOT IN ('queued', 'sent') OR clock_timestamp() >= until;
        PERFORM pg_sleep(0.1);
    END LOOP;
    RETURN jsonb_build_object('commandId', command.id, 'chargePointId', station.identity, 'action', command.action,
        'state', command.state, 'isFinal', command.state NOT IN ('queued', 'sent'), 'answer', core.mask_text(command.answer),
        'sentAt', command.sent_at, 'answeredAt', command.answered_at);
END
$$;
ALTER FUNCTION operation.wait(bigint, integer) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION operation.wait(bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION operation.wait(bigint, integer)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION operation.wait(bigint, integer) IS
    'Waits for a command''s outcome. | 等待命令结果。';
