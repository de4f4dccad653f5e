-- The corrections that a decision brings, or null for none; the session they leave must make sense: it ends
-- after it begins, at a register that is not lower. In UTC, so that the same again is the same.
CREATE OR REPLACE FUNCTION api.review_correction(session core.session, meter_start_kwh numeric, meter_stop_kwh numeric,
    started_at timestamptz, stopped_at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC'
AS $$
DECLARE
    correction jsonb;
BEGIN
    PERFORM api.require_number(meter_start_kwh, 'meter_start_kwh', 0, 1000000000, 6);
    PERFORM api.require_number(meter_stop_kwh, 'meter_stop_kwh', 0, 1000000000, 6);
    IF started_at NOT BETWEEN '2000-01-01 00:00:00+00' AND now() THEN
        PERFORM api.refuse('member-range', 'started_at', 'started_at', format('2000-01-01 .. %s', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
    ELSIF stopped_at NOT BETWEEN '2000-01-01 00:00:00+00' AND now() THEN
        PERFORM api.refuse('member-range', 'stopped_at', 'stopped_at', format('2000-01-01 .. %s', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
    END IF;
    correction := nullif(jsonb_strip_nulls(jsonb_build_object(
        'meter_start_mwh', trunc(meter_start_kwh * 1000000), 'meter_stop_mwh', trunc(meter_stop_kwh * 1000000),
        'started_at', started_at, 'stopped_at', stopped_at)), '{}');
    IF correction IS NOT NULL THEN
        IF coalesce(started_at, session.started_at) > coalesce(stopped_at, session.stopped_at) THEN
            PERFORM api.refuse('member-order', 'stopped_at', 'started_at', 'stopped_at');
        ELSIF coalesce(meter_start_kwh, session.meter_start_mwh * 0.000001)
              > coalesce(meter_stop_kwh, session.meter_stop_mwh * 0.000001) THEN
            PERFORM api.refuse('member-order', 'meter_stop_kwh', 'meter_start_kwh', 'meter_stop_kwh');
        END IF;
    END IF;
    RETURN correction;
END
$$;
ALTER FUNCTION api.review_correction(core.session, numeric, numeric, timestamptz, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.review_correction(core.session, numeric, numeric, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION api.review_correction(core.session, numeric, numeric, timestamptz, timestamptz) IS
    'The corrections that a decision brings. | 审核决定附带的更正。';
