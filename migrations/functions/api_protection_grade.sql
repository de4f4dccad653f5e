-- A protection grade as IP and two digits; X, a digit that nobody tested, counts as 0. Outdoors it must be
-- IP54 or better and indoors IP32 or better, in both digits.
CREATE OR REPLACE FUNCTION api.protection_grade(protection text, outdoors boolean)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    grade text := translate(upper(protection), 'X', '0');
BEGIN
    PERFORM api.require_text(protection, 'protection', 5);
    IF upper(protection) !~ '^IP[0-6X][0-9X]K?$' THEN
        PERFORM api.refuse('protection-form', 'protection', protection);
    END IF;
    IF substr(grade, 3, 1) < (CASE WHEN outdoors THEN '5' ELSE '3' END)
       OR substr(grade, 4, 1) < (CASE WHEN outdoors THEN '4' ELSE '2' END) THEN
        PERFORM api.refuse(CASE WHEN outdoors THEN 'protection-outdoors' ELSE 'protection-indoors' END,
                           'protection', protection);
    END IF;
    RETURN grade;
END
$$;
ALTER FUNCTION api.protection_grade(text, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.protection_grade(text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION api.protection_grade(text, boolean) IS
    'Checks a protection grade. | 检查防护等级。';
