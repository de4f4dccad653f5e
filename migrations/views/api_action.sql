-- The catalogue of actions: derived from the functions themselves, so that it can't disagree with them.
CREATE OR REPLACE VIEW api.action WITH (security_barrier) AS
SELECT api.camel_case(p.proname)                                    AS action,
       n.nspname::text                                              AS platform,
       p.proname::text                                              AS function,
       api.comment_part(obj_description(p.oid, 'pg_proc'))          AS summary_en,
       api.comment_part(obj_description(p.oid, 'pg_proc'), true)    AS summary_zh,
       (SELECT coalesce(jsonb_agg(to_jsonb(a)), '[]') FROM api.parameters(p.oid) a) AS parameters,
       ARRAY(SELECT substr(r.rolname, 11) FROM pg_roles r
             WHERE r.rolname IN ('joulebook_viewer', 'joulebook_operator', 'joulebook_cashier', 'joulebook_admin')
               AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
             ORDER BY 1)                                            AS roles,
       has_function_privilege(p.oid, 'EXECUTE')                     AS is_allowed
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('management', 'operation');
ALTER VIEW api.action OWNER TO joulebook_reader;
GRANT SELECT ON api.action TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin, joulebook_app;
COMMENT ON VIEW api.action IS
    'One row per action of management and operation; key: action. | 管理与运营的每个动作一行；键：action。';
COMMENT ON COLUMN api.action.action IS
    'Name of the action as the admin channel and api.call spell it. | 管理通道和 api.call 使用的动作名称。';
COMMENT ON COLUMN api.action.platform IS 'Schema of the function: management or operation. | 函数所在模式：management 或 operation。';
COMMENT ON COLUMN api.action.function IS 'Name of the SQL function. | SQL 函数名。';
COMMENT ON COLUMN api.action.summary_en IS 'What it does, in English. | 英文说明。';
COMMENT ON COLUMN api.action.summary_zh IS 'What it does, in Chinese. | 中文说明。';
COMMENT ON COLUMN api.action.parameters IS
    'Its parameters in order: name in SQL, member in JSON, type, required. | 按顺序列出参数：SQL 名称、JSON 成员名、类型、是否必填。';
COMMENT ON COLUMN api.action.roles IS 'Roles that may run it. | 可执行该动作的角色。';
COMMENT ON COLUMN api.action.is_allowed IS 'Whether the one who asks may run it. | 当前登录者是否可执行。';
