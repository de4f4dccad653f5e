-- The answer to a top-up, read from its journal, so that the first answer and a repeat's are the same.
CREATE OR REPLACE FUNCTION api.top_up_answer(journal bigint, account bigint)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('account', a.code, 'customer', u.code, 'currency', a.currency,
        'amount', core.money(t.amount_minor, c.exponent)::text,
        'bonus', core.money(t.bonus_minor, c.exponent)::text,
        'toArrears', core.money(coalesce((
            SELECT sum(e.amount_minor) FROM ledger.entry e JOIN ledger.account x ON x.id = e.account_id
            WHERE e.journal_id = top_up_answer.journal AND x.purpose = 'arrears' AND e.side = 'C'), 0), c.exponent)::text,
        'balance', core.money(coalesce((
            SELECT e.balance_after FROM ledger.entry e
            WHERE e.journal_id = top_up_answer.journal AND e.account_id = a.id
            ORDER BY e.line DESC LIMIT 1), (
            SELECT e.balance_after FROM ledger.entry e
            WHERE e.account_id = a.id AND e.journal_id < top_up_answer.journal
            ORDER BY e.account_ver DESC LIMIT 1), 0), c.exponent)::text,
        'journalId', t.journal_id)
    FROM ledger.top_up t
    JOIN ledger.account a ON a.id = t.account_id
    JOIN core.customer u ON u.id = a.customer_id
    JOIN core.currency c ON c.code = a.currency
    WHERE t.journal_id = top_up_answer.journal AND a.id = top_up_answer.account
$$;
ALTER FUNCTION api.top_up_answer(bigint, bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.top_up_answer(bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION api.top_up_answer(bigint, bigint) IS
    'The answer to a top-up, from its journal. | 依据凭证给出的充值应答。';
