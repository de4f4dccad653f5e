-- Sets what a login may see, all sites or a list, and whether it may act at all. Logins themselves are made
-- by whoever may make roles in the database.
CREATE OR REPLACE FUNCTION management.set_login(login text, scope text DEFAULT NULL, disabled boolean DEFAULT NULL,
    label text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old core.login;
    new core.login;
BEGIN
    PERFORM core.require_site(NULL);
    PERFORM api.require_text(label, 'label', 200, false);
    IF scope IS NOT NULL THEN
        PERFORM api.require_value(scope, 'scope', 'all', 'list');
    END IF;
    old := api.find_login(login);
    -- Nobody locks the last door from within.
    IF login = core.actor() AND (disabled OR scope = 'list') THEN
        PERFORM api.refuse('login-own', 'login');
    END IF;
    UPDATE core.login g SET scope = coalesce(set_login.scope, g.scope), label = coalesce(set_login.label, g.label),
        disabled_at = CASE WHEN set_login.disabled THEN coalesce(g.disabled_at, now())
                           WHEN NOT set_login.disabled THEN NULL ELSE g.disabled_at END
    WHERE g.login = set_login.login RETURNING * INTO new;
    IF new IS DISTINCT FROM old THEN
        PERFORM api.audit('SetLogin', NULL, login, to_jsonb(old), to_jsonb(new));
    END IF;
    RETURN jsonb_build_object('login', login, 'role', new.role, 'scope', new.scope,
                              'disabled', new.disabled_at IS NOT NULL, 'repeated', new IS NOT DISTINCT FROM old);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.set_login(text, text, boolean, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.set_login(text, text, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.set_login(text, text, boolean, text)
    TO joulebook_admin;
COMMENT ON FUNCTION management.set_login(text, text, boolean, text) IS
    'Sets what a login may see, and whether it may act. | 设置登录的可见范围与启停。';
