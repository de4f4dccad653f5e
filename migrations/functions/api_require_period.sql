-- Two ends of a period: finite, in order.
CREATE OR REPLACE FUNCTION api.require_period(valid_from timestamptz, valid_to timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF valid_from NOT BETWEEN '2000-01-01 00:00:00+00' AND '2200-01-01 00:00:00+00' THEN
        PERFORM api.refuse('member-range', 'valid_from', 'valid_from', '2000-01-01 .. 2200-01-01');
    ELSIF valid_to NOT BETWEEN '2000-01-01 00:00:00+00' AND '2200-01-01 00:00:00+00' THEN
        PERFORM api.refuse('member-range', 'valid_to', 'valid_to', '2000-01-01 .. 2200-01-01');
    ELSIF coalesce(valid_from, now()) >= valid_to THEN
        PERFORM api.refuse('member-order', 'valid_to', 'valid_from', 'valid_to');
    END IF;
END
$$;
ALTER FUNCTION api.require_period(timestamptz, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.require_period(timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION api.require_period(timestamptz, timestamptz) IS
    'Checks the two ends of a period. | 检查时间段两端。';
