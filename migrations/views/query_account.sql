-- Accounts of customers and sites. Income, tax and cost keep no balance of their own: it is summed here.
CREATE OR REPLACE VIEW query.account WITH (security_barrier) AS
SELECT a.code                                               AS account,
       a.purpose                                            AS purpose,
       a.class                                              AS class,
       u.code                                               AS customer,
       t.code                                               AS site,
       g.code                                               AS fleet,
       a.currency                                           AS currency,
       core.money(coalesce(b.posted, e.posted), c.exponent) AS balance,
       core.money(b.held, c.exponent)                       AS held,
       core.money(CASE a.purpose WHEN 'receivable' THEN b.ceiling_minor::numeric - b.posted - b.held
       ELSE b.posted::numeric - b.held - coalesce(b.floor_minor, 0) END, c.exponent)
           AS available,
       core.money(b.floor_minor, c.exponent)                AS floor_amount,
       core.money(b.ceiling_minor, c.exponent)              AS ceiling_amount,
       a.charge_code                                        AS charge_code,
       a.max_sessions                                       AS max_sessions,
       b.version                                            AS entries,
       a.closed_at IS NULL                                  AS is_open,
       a.opened_at                                          AS opened_at
FROM ledger.account a
JOIN core.currency c ON c.code = a.currency
LEFT JOIN core.customer u ON u.id = a.customer_id
LEFT JOIN core.site t ON t.id = a.site_id
LEFT JOIN core.fleet g ON g.id = a.fleet_id
LEFT JOIN ledger.account_balance b ON b.account_id = a.id
LEFT JOIN LATERAL (
    SELECT coalesce(sum(CASE n.side WHEN a.normal THEN n.amount_minor ELSE -n.amount_minor END), 0) AS posted
    FROM ledger.entry n WHERE n.account_id = a.id AND NOT a.keeps_balance) e ON true;
ALTER VIEW query.account OWNER TO joulebook_reader;
REVOKE ALL ON query.account FROM PUBLIC;
GRANT SELECT ON query.account TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.account IS
    'One row per account of the ledger; key: account. | 账本的每个账户一行；键：account。';
COMMENT ON COLUMN query.account.account IS 'Code of the account. | 账户编码。';
COMMENT ON COLUMN query.account.purpose IS
    'wallet, bonus, arrears, receivable, revenue, vat, psp and others. | 用途：钱包、赠送、欠费、应收、收入、税、支付渠道等。';
COMMENT ON COLUMN query.account.class IS
    'asset, liability, income, expense or equity. | 类别：资产、负债、收入、费用或权益。';
COMMENT ON COLUMN query.account.customer IS 'Customer that holds it. | 所属客户。';
COMMENT ON COLUMN query.account.site IS 'Site that holds it. | 所属场站。';
COMMENT ON COLUMN query.account.fleet IS 'Fleet that holds it. | 所属车队。';
COMMENT ON COLUMN query.account.currency IS 'Currency of its amounts. | 货币。';
COMMENT ON COLUMN query.account.balance IS
    'Balance, positive on the account''s own side: a wallet''s money, a receivable''s debt. | 余额，以账户正常方向为正：钱包为存款，应收为欠款。';
COMMENT ON COLUMN query.account.held IS 'Held for running sessions. | 进行中会话的冻结额。';
COMMENT ON COLUMN query.account.available IS
    'What may still be spent; null: no limit. | 可用额；无限制时为空。';
COMMENT ON COLUMN query.account.floor_amount IS 'Lowest balance allowed. | 最低余额。';
COMMENT ON COLUMN query.account.ceiling_amount IS
    'Most that may be owed, for postpaid accounts. | 后付费账户的欠款上限。';
COMMENT ON COLUMN query.account.charge_code IS 'What an income account earns by. | 收入账户的收费项目。';
COMMENT ON COLUMN query.account.max_sessions IS
    'Sessions that it may pay for at once; null: any number. | 可同时支付的会话数；不限为空。';
COMMENT ON COLUMN query.account.entries IS
    'Entries of an account that keeps a balance. | 记余额账户的分录数。';
COMMENT ON COLUMN query.account.is_open IS 'Whether it may be used. | 是否可用。';
COMMENT ON COLUMN query.account.opened_at IS 'When it was opened. | 开户时间。';
