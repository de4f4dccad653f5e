-- Refuses a JSON value that a parameter's type cannot take. Numbers may come as JSON numbers or as
-- decimal texts (money does); everything else is of its own JSON type.
CREATE OR REPLACE FUNCTION api.call_value_check(value jsonb, member text, type text)
RETURNS void
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    kind text := jsonb_typeof(value);
    suits boolean;
BEGIN
    suits := CASE
        WHEN type = 'jsonb' THEN true
        WHEN type = 'boolean' THEN kind = 'boolean'
        WHEN type = 'text[]' THEN kind = 'array'
            AND NOT EXISTS (SELECT FROM jsonb_array_elements(CASE kind WHEN 'array' THEN value ELSE '[]' END) item
                            WHERE jsonb_typeof(item) <> 'string')
        WHEN type IN ('integer', 'bigint', 'smallint') THEN kind = 'number' AND value #>> '{}' ~ '^-?[0-9]{1,19}$'
        WHEN type = 'numeric' THEN kind = 'number' OR kind = 'string' AND value #>> '{}' ~ '^-?[0-9]{1,30}(\.[0-9]{1,12})?$'
        ELSE kind = 'string' END;
    IF NOT suits THEN
        PERFORM api.refuse('member-kind', member, member, type);
    END IF;
    IF type NOT IN ('jsonb', 'text[]', 'text') THEN
        BEGIN
            EXECUTE format('SELECT ($1)::%s', type) USING value #>> '{}';
        EXCEPTION WHEN data_exception THEN
            PERFORM api.refuse('member-kind', member, member, type);
        END;
    END IF;
END
$$;
ALTER FUNCTION api.call_value_check(jsonb, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.call_value_check(jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.call_value_check(jsonb, text, text)
    TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON FUNCTION api.call_value_check(jsonb, text, text) IS
    'Checks a JSON value against a parameter''s type. | 检查 JSON 值是否符合参数类型。';
