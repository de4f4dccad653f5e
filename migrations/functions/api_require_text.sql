-- A text of an action: present where required, not longer than allowed, no control characters, no blank at
-- either end.
CREATE OR REPLACE FUNCTION api.require_text(value text, member text, most integer, required boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF value IS NULL THEN
        IF required THEN
            PERFORM api.refuse('member-missing', member, member);
        END IF;
    ELSIF value = '' OR length(value) > most OR value ~ '[[:cntrl:]]' OR value <> btrim(value) THEN
        PERFORM api.refuse('member-text', member, member);
    END IF;
END
$$;
ALTER FUNCTION api.require_text(text, text, integer, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.require_text(text, text, integer, boolean) FROM PUBLIC;
COMMENT ON FUNCTION api.require_text(text, text, integer, boolean) IS
    'Checks a text of an action. | 检查动作的文本参数。';
