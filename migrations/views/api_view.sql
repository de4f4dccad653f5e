-- The catalogue of views: derived from the views and their comments.
CREATE OR REPLACE VIEW api.view WITH (security_barrier) AS
SELECT c.relname::text                                           AS view,
       n.nspname::text                                           AS schema,
       api.comment_part(obj_description(c.oid, 'pg_class'))       AS summary_en,
       api.comment_part(obj_description(c.oid, 'pg_class'), true) AS summary_zh,
       (SELECT count(*)::integer FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       has_table_privilege(c.oid, 'SELECT')                      AS is_allowed
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('query', 'api') AND c.relkind = 'v';
ALTER VIEW api.view OWNER TO joulebook_reader;
GRANT SELECT ON api.view TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin, joulebook_app;
COMMENT ON VIEW api.view IS 'One row per view of query and api; key: schema, view. | query 与 api 的每个视图一行；键：schema、view。';
COMMENT ON COLUMN api.view.view IS 'Name of the view. | 视图名称。';
COMMENT ON COLUMN api.view.schema IS 'Schema of the view: query or api. | 视图所在模式：query 或 api。';
COMMENT ON COLUMN api.view.summary_en IS 'What a row is, in English. | 每行含义（英文）。';
COMMENT ON COLUMN api.view.summary_zh IS 'What a row is, in Chinese. | 每行含义（中文）。';
COMMENT ON COLUMN api.view.columns IS 'How many columns it has. | 列数。';
COMMENT ON COLUMN api.view.is_allowed IS 'Whether the one who asks may read it. | 当前登录者是否可读。';
