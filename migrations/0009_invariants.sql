-- The ledger's invariants as queries: each returns no row. They read under joulebook_owner's policies.
SET LOCAL ROLE joulebook_owner;

CREATE VIEW ledger.inv_trial AS
    SELECT a.currency, sum(CASE e.side WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) AS difference
    FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id GROUP BY 1
    HAVING sum(CASE e.side WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) <> 0;
COMMENT ON VIEW ledger.inv_trial IS 'Currencies whose debits and credits differ | 借贷不平的币种';

CREATE VIEW ledger.inv_journal_unbalanced AS
    SELECT j.id AS journal_id, a.currency, count(e.line) AS entries,
           sum(CASE e.side WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) AS difference
    FROM ledger.journal j LEFT JOIN ledger.entry e ON e.journal_id = j.id LEFT JOIN ledger.account a ON a.id = e.account_id
    GROUP BY 1, 2
    HAVING count(e.line) = 0 OR sum(CASE e.side WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) <> 0;
COMMENT ON VIEW ledger.inv_journal_unbalanced IS 'Journals without entries or out of balance | 无分录或不平的凭证';

CREATE VIEW ledger.inv_balance_drift AS
    SELECT b.account_id, b.posted, b.version, t.posted AS from_entries, t.entries
    FROM ledger.account_balance b JOIN ledger.account a ON a.id = b.account_id
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(CASE WHEN e.side = a.normal THEN e.amount_minor ELSE -e.amount_minor END), 0) AS posted,
               count(*) AS entries
        FROM ledger.entry e WHERE e.account_id = a.id) t
    WHERE b.posted <> t.posted OR b.version <> t.entries;
COMMENT ON VIEW ledger.inv_balance_drift IS 'Balances that are not the sum of their entries | 与分录合计不符的余额';

CREATE VIEW ledger.inv_hold_drift AS
    SELECT b.account_id, b.held, t.active
    FROM ledger.account_balance b CROSS JOIN LATERAL (
        SELECT COALESCE(sum(h.amount_minor), 0) AS active FROM ledger.hold h
        WHERE h.account_id = b.account_id AND h.state = 'active') t
    WHERE b.held <> t.active;
COMMENT ON VIEW ledger.inv_hold_drift IS 'Held amounts that are not the sum of the active holds | 与有效冻结合计不符的冻结额';

CREATE VIEW ledger.inv_hold_left AS
    SELECT h.session_uid, h.account_id, h.amount_minor FROM ledger.hold h
    LEFT JOIN core.session s ON s.uid = h.session_uid
    WHERE h.state = 'active' AND COALESCE(s.state, 'settled') IN ('settled', 'lost');
COMMENT ON VIEW ledger.inv_hold_left IS 'Holds that outlived their session''s settlement | 结算后仍未解除的冻结';

CREATE VIEW ledger.inv_double_settle AS
    SELECT j.session_uid, count(*) AS journals FROM ledger.journal j
    WHERE j.kind = 'settle' AND NOT EXISTS (SELECT FROM ledger.journal r WHERE r.reverses = j.id)
    GROUP BY 1 HAVING count(*) > 1;
COMMENT ON VIEW ledger.inv_double_settle IS 'Sessions settled more than once | 重复结算的会话';

CREATE VIEW ledger.inv_chain_gap AS
    SELECT q.account_id, q.account_ver FROM (
        SELECT e.account_id, e.account_ver,
               e.balance_after - CASE WHEN e.side = a.normal THEN e.amount_minor ELSE -e.amount_minor END AS before_minor,
               lag(e.balance_after, 1, 0::bigint) OVER w AS previous_minor,
               lag(e.account_ver, 1, 0::bigint) OVER w AS previous_ver
        FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id WHERE e.account_ver IS NOT NULL
        WINDOW w AS (PARTITION BY e.account_id ORDER BY e.account_ver)) q
    WHERE q.before_minor <> q.previous_minor OR q.account_ver <> q.previous_ver + 1;
COMMENT ON VIEW ledger.inv_chain_gap IS 'Gaps in the running balance of an account | 账户余额链的断点';

CREATE VIEW ledger.inv_floor AS
    SELECT b.account_id, b.posted, b.held, b.floor_minor FROM ledger.account_balance b
    WHERE b.floor_minor IS NOT NULL AND b.posted - b.held < b.floor_minor;
COMMENT ON VIEW ledger.inv_floor IS 'Accounts below their floor | 低于下限的账户';

CREATE VIEW ledger.inv_settlement_lines AS
    SELECT t.session_uid, t.version, t.gross_minor, t.credit_minor, l.import_minor, l.export_minor
    FROM ledger.settlement t CROSS JOIN LATERAL (
        SELECT COALESCE(sum(x.amount_minor) FILTER (WHERE x.direction = 'import'), 0) AS import_minor,
               COALESCE(sum(abs(x.amount_minor)) FILTER (WHERE x.direction = 'export'), 0) AS export_minor
        FROM ledger.settlement_line x WHERE x.session_uid = t.session_uid AND x.version = t.version) l
    WHERE l.import_minor <> t.gross_minor OR l.export_minor <> t.credit_minor;
COMMENT ON VIEW ledger.inv_settlement_lines IS 'Settlements whose lines do not add up | 明细与合计不符的结算';

CREATE VIEW ledger.inv_settlement_journal AS
    SELECT t.session_uid, t.version, t.gross_minor, p.paid_minor
    FROM ledger.settlement t CROSS JOIN LATERAL (
        SELECT COALESCE(sum(CASE e.side WHEN 'C' THEN e.amount_minor ELSE -e.amount_minor END), 0) AS paid_minor
        FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id
        WHERE e.journal_id = t.journal_id AND a.purpose IN ('revenue', 'vat')) p
    WHERE p.paid_minor <> t.gross_minor;
COMMENT ON VIEW ledger.inv_settlement_journal IS 'Settlements whose postings differ from their bill | 入账与账单不符的结算';

CREATE VIEW ledger.inv_settled_session AS
    SELECT s.uid AS session_uid, s.state, t.version
    FROM core.session s
    FULL JOIN (SELECT * FROM ledger.settlement x WHERE x.state = 'posted') t ON t.session_uid = s.uid
    WHERE (COALESCE(s.state, '') = 'settled') <> (t.version IS NOT NULL)
      -- A bill stands until a late Stop or a later correction is booked in its place.
      AND NOT COALESCE(s.state IN ('stopped', 'review') AND (t.provisional OR EXISTS (
          SELECT FROM core.review r
          WHERE r.session_uid = s.uid AND r.correction IS NOT NULL AND r.decided_at > t.settled_at)), false);
COMMENT ON VIEW ledger.inv_settled_session IS 'Settled sessions without a bill, or bills without a settled session | 会话状态与结算不一致';

CREATE VIEW ledger.inv_closed_day AS
    SELECT j.id AS journal_id, j.period FROM ledger.journal j JOIN ledger.closed_day c USING (period)
    WHERE j.booked_at > c.closed_at;
COMMENT ON VIEW ledger.inv_closed_day IS 'Journals booked into a closed day | 记入已关闭会计日的凭证';

CREATE VIEW ledger.inv_arrears AS
    SELECT b.account_id, b.posted FROM ledger.account_balance b JOIN ledger.account a ON a.id = b.account_id
    WHERE a.purpose = 'arrears' AND b.posted < 0;
COMMENT ON VIEW ledger.inv_arrears IS 'Arrears below zero: money that nobody can spend | 负的欠费余额';

CREATE VIEW ledger.inv_review_idle AS
    SELECT s.uid AS session_uid FROM core.session s
    WHERE s.state = 'review'
      AND NOT EXISTS (SELECT FROM core.review r WHERE r.session_uid = s.uid AND r.state = 'open' AND r.blocks);
COMMENT ON VIEW ledger.inv_review_idle IS 'Sessions in review that wait for no decision | 处于审核状态却无待决事项的会话';

GRANT SELECT ON ledger.inv_trial, ledger.inv_journal_unbalanced, ledger.inv_balance_drift, ledger.inv_hold_drift,
    ledger.inv_hold_left, ledger.inv_double_settle, ledger.inv_chain_gap, ledger.inv_floor, ledger.inv_settlement_lines,
    ledger.inv_settlement_journal, ledger.inv_settled_session, ledger.inv_closed_day, ledger.inv_arrears,
    ledger.inv_review_idle TO joulebook_writer, joulebook_reader;

RESET ROLE;
