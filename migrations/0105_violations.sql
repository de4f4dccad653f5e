-- Every violation of every invariant. Who adds an invariant adds it here, and nowhere else.
SET LOCAL ROLE joulebook_owner;

CREATE VIEW ledger.violation AS
    SELECT 'inv_trial' AS invariant, t::text AS detail FROM ledger.inv_trial t
    UNION ALL SELECT 'inv_journal_unbalanced', t::text FROM ledger.inv_journal_unbalanced t
    UNION ALL SELECT 'inv_balance_drift', t::text FROM ledger.inv_balance_drift t
    UNION ALL SELECT 'inv_hold_drift', t::text FROM ledger.inv_hold_drift t
    UNION ALL SELECT 'inv_hold_left', t::text FROM ledger.inv_hold_left t
    UNION ALL SELECT 'inv_double_settle', t::text FROM ledger.inv_double_settle t
    UNION ALL SELECT 'inv_chain_gap', t::text FROM ledger.inv_chain_gap t
    UNION ALL SELECT 'inv_floor', t::text FROM ledger.inv_floor t
    UNION ALL SELECT 'inv_settlement_lines', t::text FROM ledger.inv_settlement_lines t
    UNION ALL SELECT 'inv_settlement_journal', t::text FROM ledger.inv_settlement_journal t
    UNION ALL SELECT 'inv_settled_session', t::text FROM ledger.inv_settled_session t
    UNION ALL SELECT 'inv_closed_day', t::text FROM ledger.inv_closed_day t
    UNION ALL SELECT 'inv_arrears', t::text FROM ledger.inv_arrears t
    UNION ALL SELECT 'inv_review_idle', t::text FROM ledger.inv_review_idle t;
COMMENT ON VIEW ledger.violation IS 'All violations of the ledger''s invariants | 账本不变量的全部违例';
GRANT SELECT ON ledger.violation TO joulebook_writer, joulebook_reader;

RESET ROLE;
