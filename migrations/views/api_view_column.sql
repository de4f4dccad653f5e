-- The columns of the views, with type and meaning.
CREATE OR REPLACE VIEW api.view_column WITH (security_barrier) AS
SELECT n.nspname::text                                       AS schema,
       c.relname::text                                       AS view,
       a.attnum::integer                                     AS place,
       a.attname::text                                       AS column,
       format_type(a.atttypid, a.atttypmod)                  AS type,
       substring(a.attname::text FROM '_(kwh|wh|kw|w|a|v|pct|celsius|hz|s|ms|at|local)$') AS unit,
       api.comment_part(col_description(c.oid, a.attnum))       AS meaning_en,
       api.comment_part(col_description(c.oid, a.attnum), true) AS meaning_zh
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('query', 'api') AND c.relkind = 'v';
ALTER VIEW api.view_column OWNER TO joulebook_reader;
GRANT SELECT ON api.view_column
    TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin, joulebook_app;
COMMENT ON VIEW api.view_column IS
    'One row per column of a view; key: schema, view, place. | 视图的每一列一行；键：schema、view、place。';
COMMENT ON COLUMN api.view_column.schema IS 'Schema of the view. | 视图所在模式。';
COMMENT ON COLUMN api.view_column.view IS 'Name of the view. | 视图名称。';
COMMENT ON COLUMN api.view_column.place IS 'Place of the column, from 1. | 列的位置，从 1 起。';
COMMENT ON COLUMN api.view_column.column IS 'Name of the column. | 列名。';
COMMENT ON COLUMN api.view_column.type IS 'Type in PostgreSQL. | PostgreSQL 类型。';
COMMENT ON COLUMN api.view_column.unit IS 'Unit, as the end of the name says. | 单位，取自列名后缀。';
COMMENT ON COLUMN api.view_column.meaning_en IS 'Meaning in English. | 含义（英文）。';
COMMENT ON COLUMN api.view_column.meaning_zh IS 'Meaning in Chinese. | 含义（中文）。';
