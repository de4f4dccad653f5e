-- What has to be added to the pile's own clock within a session, so that it agrees with the session's start.
CREATE OR REPLACE FUNCTION core.session_shift(p_session core.session)
RETURNS interval LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN isfinite(p_session.start_reported_at) THEN p_session.started_at - p_session.start_reported_at
                ELSE interval '0' END;
END
$$;
ALTER FUNCTION core.session_shift(core.session) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.session_shift(core.session) FROM PUBLIC;
COMMENT ON FUNCTION core.session_shift(core.session) IS
    'By how much the pile''s clock is corrected within a session | 会话内对桩时钟的校正量';

-- When and at what register a session ended: by its Stop; without one by the last register that the pile told,
-- up to the one that a person found to be true. With p_mend a Stop without a register that can be true ends at
-- that one, too. Never before its start, and never below it unless the Stop says so.
CREATE OR REPLACE FUNCTION core.session_end(p_session core.session, p_mend boolean,
    OUT ended_at timestamptz, OUT meter_stop_mwh bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told record;
    found_true bigint := CASE WHEN p_session.stopped_at IS NULL
        AND p_session.meter_stop_mwh >= p_session.meter_start_mwh THEN p_session.meter_stop_mwh END;
BEGIN
    ended_at := GREATEST(p_session.stopped_at, p_session.started_at);
    meter_stop_mwh := p_session.meter_stop_mwh;
    IF p_session.stopped_at IS NULL
       OR p_mend AND (meter_stop_mwh >= p_session.meter_start_mwh) IS NOT TRUE THEN
        SELECT r.at, r.received_at, r.import_mwh INTO told FROM core.session_readings(p_session) r
        WHERE r.import_mwh >= p_session.meter_start_mwh AND (found_true IS NULL OR r.import_mwh <= found_true)
        ORDER BY r.at DESC, r.import_mwh DESC LIMIT 1;
        meter_stop_mwh := COALESCE(found_true, told.import_mwh, p_session.meter_start_mwh);
        IF p_session.stopped_at IS NULL THEN
            -- Nothing is measured after it was told, whatever the pile's clock says.
            ended_at := GREATEST(LEAST(told.at + core.session_shift(p_session), told.received_at), p_session.started_at);
        END IF;
    END IF;
END
$$;
ALTER FUNCTION core.session_end(core.session, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.session_end(core.session, boolean) FROM PUBLIC;
COMMENT ON FUNCTION core.session_end(core.session, boolean) IS
    'When and at what register a session ended | 会话结束的时间与读数';
