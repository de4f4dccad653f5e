-- Who changed what, before and after. Nobody can change a row of it.
CREATE OR REPLACE VIEW query.audit WITH (security_barrier) AS
SELECT a.id                                           AS audit_id,
       a.at                                           AS at,
       core.local_time(a.at, coalesce(t.zone, 'UTC')) AS at_local,
       a.actor                                        AS actor,
       a.login                                        AS login,
       a.action                                       AS action,
       t.code                                         AS site,
       a.target                                       AS target,
       core.mask_text(a.args::text)::jsonb            AS detail,
       a.outcome                                      AS outcome
FROM core.audit a
LEFT JOIN core.site t ON t.id = a.site_id;
ALTER VIEW query.audit OWNER TO joulebook_reader;
REVOKE ALL ON query.audit FROM PUBLIC;
GRANT SELECT ON query.audit TO joulebook_operator, joulebook_admin;
COMMENT ON VIEW query.audit IS
    'One row per change by an action; key: audit_id. | 每次动作的变更一行；键：audit_id。';
COMMENT ON COLUMN query.audit.audit_id IS 'Number of the row. | 编号。';
COMMENT ON COLUMN query.audit.at IS 'When. | 时间。';
COMMENT ON COLUMN query.audit.at_local IS
    'The same in local time of the site, else UTC. | 时间（场站当地；无场站时为 UTC）。';
COMMENT ON COLUMN query.audit.actor IS 'Who. | 操作者。';
COMMENT ON COLUMN query.audit.login IS 'Login of the database that it came by. | 数据库登录名。';
COMMENT ON COLUMN query.audit.action IS 'Action. | 动作。';
COMMENT ON COLUMN query.audit.site IS 'Site. | 场站。';
COMMENT ON COLUMN query.audit.target IS 'What was changed. | 变更对象。';
COMMENT ON COLUMN query.audit.detail IS
    'Values before and after, secrets masked. | 变更前后的值（机密已遮蔽）。';
COMMENT ON COLUMN query.audit.outcome IS 'Outcome. | 结果。';
