-- Who may act, and what they may see.
CREATE OR REPLACE VIEW query.login WITH (security_barrier) AS
SELECT g.login       AS login,
       g.role        AS role,
       g.scope       AS scope,
       g.label       AS label,
       (SELECT string_agg(t.code, ', ' ORDER BY t.code) FROM core.login_site x JOIN core.site t ON t.id = x.site_id
       WHERE x.login = g.login)
           AS sites,
       g.created_at  AS created_at,
       g.disabled_at AS disabled_at
FROM core.login g;
ALTER VIEW query.login OWNER TO joulebook_reader;
REVOKE ALL ON query.login FROM PUBLIC;
GRANT SELECT ON query.login TO joulebook_admin;
COMMENT ON VIEW query.login IS
    'One row per login; key: login. | 每个登录一行；键：login。';
COMMENT ON COLUMN query.login.login IS 'Name of the login. | 登录名。';
COMMENT ON COLUMN query.login.role IS
    'viewer, operator, cashier or admin. | 角色：查看、运营、收银或管理。';
COMMENT ON COLUMN query.login.scope IS
    'all, or list: only the sites and fleets granted. | all 为全部；list 为仅限授权的场站与车队。';
COMMENT ON COLUMN query.login.label IS 'Remark. | 备注。';
COMMENT ON COLUMN query.login.sites IS 'Sites granted. | 授权的场站。';
COMMENT ON COLUMN query.login.created_at IS 'When registered. | 登记时间。';
COMMENT ON COLUMN query.login.disabled_at IS 'When disabled. | 停用时间。';
