-- The argument list of a call, `name => cast of $1's member`, after checking the payload's members against
-- the function: unknown members, missing ones, and values that their type cannot take, each named.
CREATE OR REPLACE FUNCTION api.call_arguments(function oid, payload jsonb)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parameter record;
    stranger text;
    list text[] := '{}';
BEGIN
    SELECT key INTO stranger FROM jsonb_object_keys(payload) key
    WHERE key NOT IN (SELECT member FROM api.parameters(function)) LIMIT 1;
    IF FOUND THEN
        PERFORM api.refuse('member-unknown', stranger, stranger);
    END IF;
    FOR parameter IN SELECT * FROM api.parameters(function) LOOP
        IF coalesce(payload -> parameter.member, 'null') <> 'null' THEN
            PERFORM api.call_value_check(payload -> parameter.member, parameter.member, parameter.type);
            list := list || format(CASE WHEN parameter.type = 'jsonb' THEN '%I => $1 -> %L'
                                        WHEN parameter.type = 'text[]'
                                        THEN '%I => ARRAY(SELECT jsonb_array_elements_text($1 -> %L))'
                                        ELSE '%I => ($1 ->> %L)::' || parameter.type END,
                                   parameter.name, parameter.member);
        ELSIF parameter.required THEN
            PERFORM api.refuse('member-missing', parameter.member, parameter.member);
        END IF;
    END LOOP;
    RETURN array_to_string(list, ', ');
END
$$;
ALTER FUNCTION api.call_arguments(oid, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.call_arguments(oid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.call_arguments(oid, jsonb)
    TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON FUNCTION api.call_arguments(oid, jsonb) IS
    'The argument list of a call by name. | 按名称调用的参数列表。';
