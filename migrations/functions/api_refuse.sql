-- Every refusal of an action goes through here, so that its code, SQLSTATE and both texts stand in one
-- place (the view api.refusal): message "code: English | Chinese", DETAIL = the member at fault,
-- HINT = what to do. The values of `arguments` take the place of %1$s, %2$s in the texts.
CREATE OR REPLACE FUNCTION api.refuse(code text, member text, VARIADIC arguments text[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    texts record;
    brief text[] := ARRAY(SELECT left(a, 80) FROM unnest(arguments) WITH ORDINALITY u (a, n) ORDER BY n);
BEGIN
    SELECT r.* INTO texts FROM api.refusal r WHERE r.code = refuse.code;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'refusal "%" is not in api.refusal', refuse.code USING ERRCODE = 'XX000';
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = texts.sqlstate,
        MESSAGE = refuse.code || ': ' || format(texts.english, VARIADIC brief)
                  || ' | ' || format(texts.chinese, VARIADIC brief),
        DETAIL = left(coalesce(member, ''), 200),
        HINT = texts.hint_english || ' | ' || texts.hint_chinese;
END
$$;
ALTER FUNCTION api.refuse(text, text, text[]) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.refuse(text, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.refuse(text, text, text[])
    TO joulebook_owner, joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON FUNCTION api.refuse(text, text, text[]) IS
    'Raises a refusal of the catalogue api.refusal. | 抛出 api.refusal 目录中的拒绝。';
