-- What must hold for the whole ledger, and what breaks it: ledger.violation for people. Its rows tell of
-- every site, so only a login that sees all has them; nobody else can tell sound books from unseen ones by
-- an empty answer, as here each invariant has its row.
CREATE OR REPLACE VIEW query.invariant WITH (security_barrier) AS
SELECT substr(c.relname::text, 5)                                   AS invariant,
       api.comment_part(obj_description(c.oid, 'pg_class'))         AS meaning_en,
       api.comment_part(obj_description(c.oid, 'pg_class'), true)   AS meaning_zh,
       count(v.detail)                                              AS violations,
       coalesce(array_agg(v.detail) FILTER (WHERE v.detail IS NOT NULL), '{}') AS details
FROM pg_class c
LEFT JOIN ledger.violation v ON v.invariant = c.relname
WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'v' AND starts_with(c.relname::text, 'inv_')
  AND (SELECT core.sees_all())
GROUP BY c.oid, c.relname;
ALTER VIEW query.invariant OWNER TO joulebook_reader;
REVOKE ALL ON query.invariant FROM PUBLIC;
GRANT SELECT ON query.invariant TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.invariant IS
    'One row per invariant of the ledger, for logins that see all sites; key: invariant. | 账本的每个不变量一行，仅可见全部场站的登录可查；键：invariant。';
COMMENT ON COLUMN query.invariant.invariant IS 'Name of the invariant. | 不变量名称。';
COMMENT ON COLUMN query.invariant.meaning_en IS 'What it looks for, in English. | 检查内容（英文）。';
COMMENT ON COLUMN query.invariant.meaning_zh IS 'What it looks for, in Chinese. | 检查内容（中文）。';
COMMENT ON COLUMN query.invariant.violations IS 'How often it is broken; sound books have 0 everywhere. | 违例数；账目正常时均为 0。';
COMMENT ON COLUMN query.invariant.details IS 'The violations, each a row as text. | 违例明细，每条为一行文本。';
