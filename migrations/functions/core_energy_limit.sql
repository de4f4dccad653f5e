-- The most that a connector can give between two instants, with a tenth and half a kWh of tolerance: what the
-- rating engine holds a session against, too. One whose power nobody told gives what the largest pile does.
CREATE OR REPLACE FUNCTION core.energy_limit_mwh(p_power_w bigint, p_from timestamptz, p_to timestamptz)
RETURNS numeric LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN 500000 + trunc(COALESCE(LEAST(p_power_w, 3750000), 3750000)
        * GREATEST(extract(epoch FROM p_to) - extract(epoch FROM p_from), 0) * 11 / 36);
END
$$;
ALTER FUNCTION core.energy_limit_mwh(bigint, timestamptz, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.energy_limit_mwh(bigint, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION core.energy_limit_mwh(bigint, timestamptz, timestamptz) IS
    'The most energy that a connector can give in a time | 充电枪在一段时间内最多可输出的电量';
