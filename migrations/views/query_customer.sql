-- Customers by their code. Names and phones stand elsewhere and are not shown.
CREATE OR REPLACE VIEW query.customer WITH (security_barrier) AS
SELECT u.code         AS customer,
       u.kind         AS kind,
       u.language     AS language,
       u.status       AS status,
       t.code         AS home_site,
       (SELECT count(*) FROM core.card k WHERE k.customer_id = u.id AND k.status = 'active')
           AS cards,
       u.created_at   AS created_at,
       u.forgotten_at AS forgotten_at
FROM core.customer u
LEFT JOIN core.site t ON t.id = u.home_site_id;
ALTER VIEW query.customer OWNER TO joulebook_reader;
REVOKE ALL ON query.customer FROM PUBLIC;
GRANT SELECT ON query.customer TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.customer IS
    'One row per customer; key: customer. | 每个客户一行；键：customer。';
COMMENT ON COLUMN query.customer.customer IS 'Code of the customer. | 客户编码。';
COMMENT ON COLUMN query.customer.kind IS 'person, company or public_body. | 个人、企业或公共机构。';
COMMENT ON COLUMN query.customer.language IS 'Language of the customer. | 语言。';
COMMENT ON COLUMN query.customer.status IS 'active, blocked or closed. | 正常、冻结或注销。';
COMMENT ON COLUMN query.customer.home_site IS 'Site whose operators see the customer. | 归属场站。';
COMMENT ON COLUMN query.customer.cards IS 'Active cards. | 有效卡数。';
COMMENT ON COLUMN query.customer.created_at IS 'When registered. | 登记时间。';
COMMENT ON COLUMN query.customer.forgotten_at IS 'When the personal data were erased. | 个人数据删除时间。';
