-- Gives a date of a region its day type (a holiday, a peak-season day), or with none takes it away. A day
-- that has begun keeps its type.
CREATE OR REPLACE FUNCTION management.set_calendar_day(region text, date date, day_type text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old text;
BEGIN
    PERFORM core.require_site(NULL);
    PERFORM api.require_text(region, 'region', 64);
    IF date IS NULL OR date NOT BETWEEN '2000-01-01' AND '2200-01-01' THEN
        PERFORM api.refuse('member-range', 'date', 'date', '2000-01-01 .. 2200-01-01');
    END IF;
    IF day_type !~ '^[a-z][a-z0-9_]{0,31}$' THEN
        PERFORM api.refuse('member-text', 'day_type', 'day_type');
    END IF;
    SELECT d.day_type INTO old FROM core.day_calendar d
    WHERE d.region = set_calendar_day.region AND d.date = set_calendar_day.date FOR UPDATE;
    IF old IS DISTINCT FROM day_type THEN
        BEGIN
            IF day_type IS NULL THEN
                DELETE FROM core.day_calendar d
                WHERE d.region = set_calendar_day.region AND d.date = set_calendar_day.date;
            ELSE
                INSERT INTO core.day_calendar AS d (region, date, day_type)
                VALUES (set_calendar_day.region, set_calendar_day.date, set_calendar_day.day_type)
                ON CONFLICT ON CONSTRAINT day_calendar_pkey DO UPDATE SET day_type = excluded.day_type;
            END IF;
        EXCEPTION WHEN check_violation THEN
            PERFORM api.refuse('calendar-begun', 'date', date::text);
        END;
        PERFORM api.audit('SetCalendarDay', NULL, format('%s %s', region, date),
            jsonb_build_object('day_type', old), jsonb_build_object('day_type', day_type));
    END IF;
    RETURN jsonb_build_object('region', region, 'date', date, 'dayType', day_type,
                              'repeated', old IS NOT DISTINCT FROM day_type);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.set_calendar_day(text, date, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.set_calendar_day(text, date, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.set_calendar_day(text, date, text)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.set_calendar_day(text, date, text) IS
    'Sets the day type of a date, for tariffs that name it. | 设置日期类型，供电价引用。';
