-- Every entry of every account, with the balance that it left. Read a statement in order of entry_no.
CREATE OR REPLACE VIEW query.account_ledger WITH (security_barrier) AS
SELECT a.code                                                AS account,
       a.purpose                                             AS purpose,
       u.code                                                AS customer,
       t.code                                                AS site,
       n.journal_id                                          AS journal_id,
       n.line                                                AS line,
       n.account_ver                                         AS entry_no,
       j.kind                                                AS kind,
       j.booked_at                                           AS booked_at,
       core.local_time(j.booked_at, coalesce(t.zone, 'UTC')) AS booked_local,
       j.event_at                                            AS event_at,
       core.local_time(j.event_at, coalesce(t.zone, 'UTC'))  AS event_local,
       j.period                                              AS period,
       CASE n.side WHEN 'D' THEN core.money(n.amount_minor, c.exponent) END
           AS debit,
       CASE n.side WHEN 'C' THEN core.money(n.amount_minor, c.exponent) END
           AS credit,
       core.money(CASE n.side WHEN a.normal THEN n.amount_minor ELSE -n.amount_minor END, c.exponent)
           AS amount,
       core.money(n.balance_after, c.exponent)               AS balance_after,
       a.currency                                            AS currency,
       j.session_uid                                         AS session_uid,
       s.transaction_id                                      AS transaction_id,
       q.channel                                             AS channel,
       q.external_no                                         AS external_no,
       j.reverses                                            AS reverses_journal_id,
       j.actor                                               AS actor,
       j.memo                                                AS memo
FROM ledger.entry n
JOIN ledger.journal j ON j.id = n.journal_id
JOIN ledger.account a ON a.id = n.account_id
JOIN core.currency c ON c.code = a.currency
LEFT JOIN core.customer u ON u.id = a.customer_id
LEFT JOIN core.site t ON t.id = coalesce(j.site_id, a.site_id, u.home_site_id)
LEFT JOIN core.session s ON s.uid = j.session_uid
LEFT JOIN ledger.top_up q ON q.journal_id = j.id;
ALTER VIEW query.account_ledger OWNER TO joulebook_reader;
REVOKE ALL ON query.account_ledger FROM PUBLIC;
GRANT SELECT ON query.account_ledger TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.account_ledger IS
    'One row per entry of the ledger; key: journal_id, line. | 账本的每条分录一行；键：journal_id、line。';
COMMENT ON COLUMN query.account_ledger.account IS 'Account. | 账户。';
COMMENT ON COLUMN query.account_ledger.purpose IS 'Purpose of the account. | 账户用途。';
COMMENT ON COLUMN query.account_ledger.customer IS 'Customer that holds it. | 所属客户。';
COMMENT ON COLUMN query.account_ledger.site IS
    'Site of the journal, else of the account or of its customer. | 凭证场站，否则为账户或客户的场站。';
COMMENT ON COLUMN query.account_ledger.journal_id IS 'Journal. | 凭证号。';
COMMENT ON COLUMN query.account_ledger.line IS 'Line of the journal. | 凭证行号。';
COMMENT ON COLUMN query.account_ledger.entry_no IS
    'Number of the entry within its account; null: the account keeps no balance. | 账户内分录序号；不记余额的账户为空。';
COMMENT ON COLUMN query.account_ledger.kind IS
    'topup, settle, refund, reverse, adjust and others. | 业务种类：充值、结算、退款、冲正、调整等。';
COMMENT ON COLUMN query.account_ledger.booked_at IS 'When it was booked. | 入账时间。';
COMMENT ON COLUMN query.account_ledger.booked_local IS 'The same in local time. | 入账时间（当地）。';
COMMENT ON COLUMN query.account_ledger.event_at IS 'When what it books happened. | 业务发生时间。';
COMMENT ON COLUMN query.account_ledger.event_local IS 'The same in local time. | 业务发生时间（当地）。';
COMMENT ON COLUMN query.account_ledger.period IS 'Accounting day. | 会计日。';
COMMENT ON COLUMN query.account_ledger.debit IS 'Debit. | 借方。';
COMMENT ON COLUMN query.account_ledger.credit IS 'Credit. | 贷方。';
COMMENT ON COLUMN query.account_ledger.amount IS 'Change of the balance. | 余额变动。';
COMMENT ON COLUMN query.account_ledger.balance_after IS 'Balance after it. | 变动后余额。';
COMMENT ON COLUMN query.account_ledger.currency IS 'Currency. | 货币。';
COMMENT ON COLUMN query.account_ledger.session_uid IS 'Session that it settles. | 所结算的会话。';
COMMENT ON COLUMN query.account_ledger.transaction_id IS 'Its transactionId. | 其 transactionId。';
COMMENT ON COLUMN query.account_ledger.channel IS 'Channel of a top-up. | 充值渠道。';
COMMENT ON COLUMN query.account_ledger.external_no IS 'Number that the channel gave the top-up. | 渠道流水号。';
COMMENT ON COLUMN query.account_ledger.reverses_journal_id IS 'Journal that this one reverses. | 被冲正的凭证号。';
COMMENT ON COLUMN query.account_ledger.actor IS 'Who caused it. | 操作者。';
COMMENT ON COLUMN query.account_ledger.memo IS 'Remark. | 备注。';
