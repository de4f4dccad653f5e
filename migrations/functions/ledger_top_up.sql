-- Money in: arrears first, the rest to the wallet; a bonus is the operator's own cost. The channel's
-- number is the key: the same again is 'repeat' with the first journal, other content is 'conflict'.
CREATE OR REPLACE FUNCTION ledger.top_up(p_channel text, p_external_no text, p_account bigint, p_amount_minor bigint,
    p_bonus_minor bigint, p_actor text, OUT outcome text, OUT top_up bigint, OUT journal bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known ledger.top_up;
    wallet ledger.account;
    owed bigint := 0;
    arrears bigint;
    paid_off bigint;
    legs ledger.leg[];
    -- A colon of the channel is not the one behind it.
    key text := format('topup:%s:%s', replace(replace(p_channel, '%', '%25'), ':', '%3A'), p_external_no);
BEGIN
    IF p_amount_minor IS NULL OR p_amount_minor <= 0 OR COALESCE(p_bonus_minor, 0) < 0 THEN
        RAISE EXCEPTION 'a top-up is an amount above zero' USING ERRCODE = '22023', DETAIL = 'amount';
    END IF;
    SELECT * INTO wallet FROM ledger.account a WHERE a.id = p_account;
    IF wallet.id IS NULL OR wallet.closed_at IS NOT NULL OR wallet.purpose NOT IN ('wallet', 'receivable') THEN
        RAISE EXCEPTION 'this account takes no top-up' USING ERRCODE = '23514', DETAIL = 'account';
    END IF;
    -- The key's own lock, so that the second of two at once finds the first; then the balance rows.
    PERFORM pg_advisory_xact_lock(hashtextextended(key, 0));
    SELECT * INTO known FROM ledger.top_up t WHERE t.channel = p_channel AND t.external_no = p_external_no;
    IF known.id IS NOT NULL THEN
        outcome := CASE WHEN (known.account_id, known.amount_minor, known.bonus_minor)
                             = (p_account, p_amount_minor, COALESCE(p_bonus_minor, 0)) THEN 'repeat' ELSE 'conflict' END;
        top_up := known.id;
        journal := known.journal_id;
        RETURN;
    END IF;
    PERFORM ledger.lock_accounts(p_account);
    SELECT a.id, GREATEST(b.posted, 0) INTO arrears, owed FROM ledger.account a
    JOIN ledger.account_balance b ON b.account_id = a.id
    WHERE a.customer_id = wallet.customer_id AND a.currency = wallet.currency AND a.purpose = 'arrears'
      AND wallet.purpose = 'wallet';
    paid_off := LEAST(COALESCE(owed, 0), p_amount_minor);
    SELECT array_agg(ROW(v.account, v.side, v.amount)::ledger.leg) INTO legs FROM (VALUES
        (ledger.open_account('psp', p_channel, wallet.currency), 'D', p_amount_minor),
        (arrears, 'C', paid_off),
        (wallet.id, 'C', p_amount_minor - paid_off),
        (CASE WHEN p_bonus_minor > 0 THEN ledger.open_account('promo', 'bonus', wallet.currency) END, 'D', p_bonus_minor),
        (CASE WHEN p_bonus_minor > 0 THEN ledger.customer_account(wallet, 'bonus') END, 'C', p_bonus_minor)) AS v(account, side, amount)
    WHERE v.amount > 0;
    journal := ledger.post(key, sha256(convert_to(concat_ws('|', p_account, p_amount_minor, COALESCE(p_bonus_minor, 0)), 'UTF8')),
        'topup', clock_timestamp(), wallet.site_id, p_actor, legs);
    INSERT INTO ledger.top_up (channel, external_no, account_id, amount_minor, bonus_minor, journal_id, actor)
    VALUES (p_channel, p_external_no, p_account, p_amount_minor, COALESCE(p_bonus_minor, 0), journal, p_actor)
    RETURNING id INTO top_up;
    outcome := 'done';
END
$$;
ALTER FUNCTION ledger.top_up(text, text, bigint, bigint, bigint, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.top_up(text, text, bigint, bigint, bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION ledger.top_up(text, text, bigint, bigint, bigint, text) IS
    'Books a payment into a customer''s account once | 将一笔充值记入客户账户（只记一次）';
