-- A login that is registered, with its row locked.
CREATE OR REPLACE FUNCTION api.find_login(login text)
RETURNS core.login
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found core.login;
BEGIN
    SELECT * INTO found FROM core.login g WHERE g.login = find_login.login FOR UPDATE;
    IF found.login IS NULL THEN
        PERFORM api.refuse('login-unknown', 'login', coalesce(find_login.login, ''));
    END IF;
    RETURN found;
END
$$;
ALTER FUNCTION api.find_login(text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.find_login(text) FROM PUBLIC;
COMMENT ON FUNCTION api.find_login(text) IS
    'A login that is registered. | 已登记的登录。';
