-- What must hold at every commit: a sound database returns no row.
CREATE OR REPLACE FUNCTION ledger.invariants()
RETURNS TABLE (invariant text, detail text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'inv_trial', t::text FROM ledger.inv_trial t
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
    UNION ALL SELECT 'inv_review_idle', t::text FROM ledger.inv_review_idle t
$$;
ALTER FUNCTION ledger.invariants() OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.invariants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.invariants() TO joulebook_app;
COMMENT ON FUNCTION ledger.invariants() IS 'Violations of the ledger''s invariants; a sound ledger has none | 账本不变量的违例；正常时无任何行';
