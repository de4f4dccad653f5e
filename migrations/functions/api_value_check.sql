-- Checks one JSON value against one rule of a shape (see api.shape_check).
CREATE OR REPLACE FUNCTION api.value_check(value jsonb, path text, rule jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    kind text := rule ->> 'kind';
    amount numeric;
    item jsonb;
BEGIN
    IF kind = 'decimal' THEN
        IF jsonb_typeof(value) <> 'number' AND (jsonb_typeof(value) <> 'string' OR length(value #>> '{}') > 64
                                               OR value #>> '{}' !~ '^-?[0-9]+(\.[0-9]+)?$') THEN
            PERFORM api.refuse('member-kind', path, path, 'number');
        END IF;
    ELSIF jsonb_typeof(value) <> (CASE kind WHEN 'integer' THEN 'number' WHEN 'text' THEN 'string' ELSE kind END) THEN
        PERFORM api.refuse('member-kind', path, path, kind);
    END IF;
    IF kind IN ('number', 'integer', 'decimal') THEN
        amount := value #>> '{}';
        IF scale(trim_scale(amount)) > coalesce((rule ->> 'decimals')::integer, 0) THEN
            PERFORM api.refuse('member-decimals', path, path);
        END IF;
        IF amount < (rule ->> 'min')::numeric OR amount > (rule ->> 'max')::numeric
           OR ((rule ->> 'above_zero')::boolean AND amount = 0) THEN
            PERFORM api.refuse('member-range', path, path, format('%s .. %s',
                CASE WHEN (rule ->> 'above_zero')::boolean THEN '> 0' ELSE coalesce(rule ->> 'min', '-infinity') END,
                coalesce(rule ->> 'max', 'infinity')));
        END IF;
    ELSIF kind = 'text' THEN
        PERFORM api.text_check(value #>> '{}', path, rule);
    ELSIF kind = 'array' THEN
        IF jsonb_array_length(value) < coalesce((rule ->> 'least')::integer, 0)
           OR jsonb_array_length(value) > coalesce((rule ->> 'most')::integer, 1000) THEN
            PERFORM api.refuse('member-count', path, path, format('%s .. %s',
                coalesce(rule ->> 'least', '0'), coalesce(rule ->> 'most', '1000')));
        END IF;
        IF rule ? 'values' OR rule ? 'pattern' THEN
            FOR item IN SELECT jsonb_array_elements(value) LOOP
                PERFORM api.value_check(item, path, rule || '{"kind": "text"}');
            END LOOP;
        END IF;
    END IF;
END
$$;
ALTER FUNCTION api.value_check(jsonb, text, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.value_check(jsonb, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.value_check(jsonb, text, jsonb) IS
    'Checks a JSON value against a rule. | 按规则检查 JSON 值。';
