-- A text that is one of few.
CREATE OR REPLACE FUNCTION api.require_value(value text, member text, VARIADIC allowed text[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF value IS NULL THEN
        PERFORM api.refuse('member-missing', member, member);
    ELSIF NOT value = ANY (allowed) THEN
        PERFORM api.refuse('member-value', member, member, array_to_string(allowed, ', '));
    END IF;
END
$$;
ALTER FUNCTION api.require_value(text, text, text[]) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.require_value(text, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION api.require_value(text, text, text[]) IS
    'Checks that a text is one of few. | 检查文本是否在允许值之内。';
