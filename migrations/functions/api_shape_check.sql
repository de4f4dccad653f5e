-- Checks one JSON object against a shape, a JSON object of its own:
--   {"member": {"kind": "number", "required": true, "min": 0, "max": 100, "decimals": 4}}
-- kind: number, integer, decimal (a number, or a text of its digits), text, boolean, object, array;
-- `values`: the texts allowed (in arrays: of each item), `pattern`: an anchored regular expression for the
-- text or each item, `length`: most characters, `bytes`: most bytes in UTF-8.
-- A member that the shape does not name is refused: a restriction that is spelled wrong and passed over
-- would sell energy at the wrong price. The first fault raises, naming the member by its path.
CREATE OR REPLACE FUNCTION api.shape_check(document jsonb, path text, shape jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name text;
    rule jsonb;
    value jsonb;
BEGIN
    IF jsonb_typeof(document) IS DISTINCT FROM 'object' THEN
        PERFORM api.refuse('member-kind', path, path, 'object');
    END IF;
    FOR name IN SELECT jsonb_object_keys(document) LOOP
        IF NOT shape ? name THEN
            PERFORM api.refuse('member-unknown', path || '.' || name, path || '.' || name);
        END IF;
    END LOOP;
    FOR name, rule IN SELECT * FROM jsonb_each(shape) LOOP
        value := document -> name;
        IF value IS NULL OR value = 'null' THEN
            IF (rule ->> 'required')::boolean THEN
                PERFORM api.refuse('member-missing', path || '.' || name, path || '.' || name);
            END IF;
        ELSE
            PERFORM api.value_check(value, path || '.' || name, rule);
        END IF;
    END LOOP;
END
$$;
ALTER FUNCTION api.shape_check(jsonb, text, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.shape_check(jsonb, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.shape_check(jsonb, text, jsonb) IS
    'Checks a JSON object against a shape. | 按结构检查 JSON 对象。';
