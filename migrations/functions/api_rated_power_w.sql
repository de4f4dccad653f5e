-- The rated power of a connector, from kW.
CREATE OR REPLACE FUNCTION api.rated_power_w(max_power_kw numeric)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF max_power_kw IS NULL THEN
        PERFORM api.refuse('member-missing', 'max_power_kw', 'max_power_kw');
    END IF;
    PERFORM api.require_number(max_power_kw, 'max_power_kw', 0.001, 10000, 3);
    RETURN max_power_kw * 1000;
END
$$;
ALTER FUNCTION api.rated_power_w(numeric) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.rated_power_w(numeric) FROM PUBLIC;
COMMENT ON FUNCTION api.rated_power_w(numeric) IS
    'The rated power of a connector in W. | 充电枪额定功率（瓦）。';
