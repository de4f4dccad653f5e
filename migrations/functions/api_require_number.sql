-- A number within bounds, with no more decimals than can be kept; null is allowed.
CREATE OR REPLACE FUNCTION api.require_number(value numeric, member text, lowest numeric, highest numeric, decimals integer DEFAULT 0)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF value < lowest OR value > highest THEN
        PERFORM api.refuse('member-range', member, member, format('%s .. %s', lowest, highest));
    ELSIF scale(trim_scale(value)) > decimals THEN
        PERFORM api.refuse('member-decimals', member, member);
    END IF;
END
$$;
ALTER FUNCTION api.require_number(numeric, text, numeric, numeric, integer) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.require_number(numeric, text, numeric, numeric, integer) FROM PUBLIC;
COMMENT ON FUNCTION api.require_number(numeric, text, numeric, numeric, integer) IS
    'Checks that a number is within bounds. | 检查数值是否在范围之内。';
