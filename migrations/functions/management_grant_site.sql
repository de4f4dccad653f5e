-- Lets a login see and work a site, or with granted => false no longer.
CREATE OR REPLACE FUNCTION management.grant_site(login text, site text, granted boolean DEFAULT true)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target core.site;
    known core.login;
    changed integer;
BEGIN
    PERFORM core.require_site(NULL);
    target := api.find_site(site);
    known := api.find_login(login);
    IF coalesce(granted, true) THEN
        INSERT INTO core.login_site (login, site_id) VALUES (known.login, target.id) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM core.login_site x WHERE x.login = known.login AND x.site_id = target.id;
    END IF;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed > 0 THEN
        PERFORM api.audit('GrantSite', target.id, known.login, jsonb_build_object('granted', NOT coalesce(granted, true)),
                          jsonb_build_object('granted', coalesce(granted, true)));
    END IF;
    RETURN jsonb_build_object('login', known.login, 'site', site, 'granted', coalesce(granted, true),
                              'repeated', changed = 0);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.grant_site(text, text, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.grant_site(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.grant_site(text, text, boolean)
    TO joulebook_admin;
COMMENT ON FUNCTION management.grant_site(text, text, boolean) IS
    'Grants a site to a login, or takes it back. | 授予或收回登录的场站权限。';
