-- A pile's identity as the endpoint's path carries it: 1 to 64 bytes of UTF-8, no control characters.
CREATE OR REPLACE FUNCTION api.require_identity(identity text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF identity IS NULL THEN
        PERFORM api.refuse('member-missing', 'charge_point_id', 'charge_point_id');
    ELSIF octet_length(identity) NOT BETWEEN 1 AND 64 OR identity ~ '[[:cntrl:]]' THEN
        PERFORM api.refuse('member-text', 'charge_point_id', 'charge_point_id');
    END IF;
END
$$;
ALTER FUNCTION api.require_identity(text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.require_identity(text) FROM PUBLIC;
COMMENT ON FUNCTION api.require_identity(text) IS
    'Checks a pile''s identity. | 检查充电桩标识。';
