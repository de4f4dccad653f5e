-- Asks a pile to stop a running session.
CREATE OR REPLACE FUNCTION operation.remote_stop(charge_point_id text, transaction_id bigint,
    idempotency_key text DEFAULT NULL, deadline_s integer DEFAULT 60)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    station core.station;
    session core.session;
BEGIN
    station := api.find_pile(charge_point_id);
    SELECT * INTO session FROM core.session s
    WHERE s.station_id = station.id AND s.transaction_id = remote_stop.transaction_id;
    IF session.uid IS NULL THEN
        PERFORM api.refuse('session-unknown', 'transaction_id', station.identity, coalesce(transaction_id::text, ''));
    END IF;
    -- A repeat is answered with its command even when that has done its work.
    IF session.stopped_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM core.command c
            WHERE c.actor = core.actor() AND c.idempotency_key = remote_stop.idempotency_key) THEN
        PERFORM api.refuse('session-ended', 'transaction_id', transaction_id::text);
    END IF;
    RETURN api.command_add(station, 'RemoteStopTransaction', jsonb_build_object('transactionId', transaction_id),
                           session.uid, idempotency_key, deadline_s);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION operation.remote_stop(text, bigint, text, integer) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION operation.remote_stop(text, bigint, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION operation.remote_stop(text, bigint, text, integer)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION operation.remote_stop(text, bigint, text, integer) IS
    'Asks a pile to stop a running session. | 请求充电桩停止进行中的会话。';
