-- A pile whose message is above the limit sends it again and again, and all that it keeps behind it waits.
-- One review item for a pile and a day, however often it comes back.
CREATE OR REPLACE FUNCTION inbound.stuck(p_station bigint, p_received_at timestamptz, p_bytes bigint, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    outcome := 'refused';
    IF NOT EXISTS (SELECT FROM core.station s WHERE s.id = p_station) THEN
        RETURN;
    END IF;
    PERFORM core.review_open('queue_stuck', false, p_station || ':' || (p_received_at AT TIME ZONE 'UTC')::date,
        p_station, NULL, p_received_at, jsonb_build_object('bytes', p_bytes), NULL);
    outcome := 'done';
    SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
    outcome := 'refused';
END
$$;
ALTER FUNCTION inbound.stuck(bigint, timestamptz, bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.stuck(bigint, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.stuck(bigint, timestamptz, bigint) TO joulebook_app;
COMMENT ON FUNCTION inbound.stuck(bigint, timestamptz, bigint) IS
    'A pile cannot get rid of a message above the limit | 充电桩的报文超出上限，其队列无法继续';
