-- Checks a text against `values`, `pattern`, `length` and `bytes` of a rule (see api.shape_check).
CREATE OR REPLACE FUNCTION api.text_check(value text, path text, rule jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    IF length(value) > coalesce((rule ->> 'length')::integer, 255)
       OR octet_length(value) > (rule ->> 'bytes')::integer OR value ~ '[\x01-\x1f\x7f]' THEN
        PERFORM api.refuse('member-text', path, path);
    END IF;
    IF rule ? 'values' AND NOT rule -> 'values' ? value THEN
        PERFORM api.refuse('member-value', path, path,
            (SELECT string_agg(allowed, ', ') FROM jsonb_array_elements_text(rule -> 'values') allowed));
    END IF;
    IF rule ? 'pattern' AND value !~ (rule ->> 'pattern') THEN
        PERFORM api.refuse('member-text', path, path);
    END IF;
END
$$;
ALTER FUNCTION api.text_check(text, text, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.text_check(text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.text_check(text, text, jsonb) IS
    'Checks a text against a rule. | 按规则检查文本。';
