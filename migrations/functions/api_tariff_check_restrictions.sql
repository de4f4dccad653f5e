-- Checks the restrictions of a tariff element (OCPI 2.2.1, 11.4.6, with day_type and min_idle_s). An upper
-- bound of 0, a window of no length and bounds the wrong way round never match: they are refused, because
-- whoever wrote them meant something else.
CREATE OR REPLACE FUNCTION api.tariff_check_restrictions(restrictions jsonb, path text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    clock constant jsonb := '{"kind": "text", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}';
    day constant jsonb := '{"kind": "text", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"}';
    amount constant jsonb := '{"kind": "decimal", "min": 0, "max": 1000000, "decimals": 6}';      -- kWh, kW
    ampere constant jsonb := '{"kind": "decimal", "min": 0, "max": 1000000000, "decimals": 3}';
    seconds constant jsonb := '{"kind": "decimal", "min": 0, "max": 2678400, "decimals": 6}';      -- 31 days
    name text;
BEGIN
    IF restrictions IS NULL OR restrictions = 'null' THEN
        RETURN;
    END IF;
    PERFORM api.shape_check(restrictions, path, jsonb_build_object(
        'start_time', clock, 'end_time', clock, 'start_date', day, 'end_date', day,
        'min_kwh', amount, 'max_kwh', amount, 'min_current', ampere, 'max_current', ampere,
        'min_power', amount, 'max_power', amount, 'min_duration', seconds, 'max_duration', seconds,
        'min_idle_s', seconds,
        'day_of_week', '{"kind": "array", "least": 1, "most": 7, "values": ["MONDAY", "TUESDAY", "WEDNESDAY",
                         "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]}'::jsonb,
        'day_type', '{"kind": "array", "least": 1, "most": 32, "pattern": "^[a-z][a-z0-9_]{0,31}$"}'::jsonb,
        'reservation', '{"kind": "text", "values": ["RESERVATION", "RESERVATION_EXPIRES"]}'::jsonb));
    -- An end at 00:00 is the end of the day.
    IF restrictions ->> 'start_time' = nullif(restrictions ->> 'end_time', '00:00') THEN
        PERFORM api.refuse('member-order', path || '.end_time', path || '.start_time', path || '.end_time');
    END IF;
    FOREACH name IN ARRAY ARRAY['start_date', 'end_date'] LOOP
        BEGIN
            PERFORM (restrictions ->> name)::date;
        EXCEPTION WHEN data_exception THEN
            PERFORM api.refuse('member-text', path || '.' || name, path || '.' || name);
        END;
    END LOOP;
    IF restrictions ->> 'start_date' >= restrictions ->> 'end_date' THEN
        PERFORM api.refuse('member-order', path || '.end_date', path || '.start_date', path || '.end_date');
    END IF;
    FOREACH name IN ARRAY ARRAY['kwh', 'current', 'power', 'duration'] LOOP
        IF (restrictions ->> ('max_' || name))::numeric = 0 THEN
            PERFORM api.refuse('member-range', format('%s.max_%s', path, name), format('%s.max_%s', path, name), '> 0');
        END IF;
        IF (restrictions ->> ('min_' || name))::numeric >= (restrictions ->> ('max_' || name))::numeric THEN
            PERFORM api.refuse('member-order', format('%s.max_%s', path, name),
                               format('%s.min_%s', path, name), format('%s.max_%s', path, name));
        END IF;
    END LOOP;
END
$$;
ALTER FUNCTION api.tariff_check_restrictions(jsonb, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_check_restrictions(jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_check_restrictions(jsonb, text) IS
    'Checks the restrictions of an element. | 检查电价元素的限制条件。';
