-- Holds. Money is only set aside here; nothing is posted.

-- Takes the balance rows that a session on this account may draw on, in the order of their ids and
-- without waiting. False: somebody else has one, and the caller has written nothing yet.
CREATE OR REPLACE FUNCTION ledger.lock_accounts(p_account bigint, p_wait boolean)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted bigint[];
    got integer;
BEGIN
    SELECT array_agg(x.id) INTO wanted FROM ledger.account a
    JOIN ledger.account x ON x.id = a.id
        OR a.purpose = 'wallet' AND x.customer_id = a.customer_id AND x.currency = a.currency
           AND x.purpose IN ('bonus', 'arrears')
    WHERE a.id = p_account AND x.keeps_balance;
    IF p_wait THEN
        PERFORM FROM ledger.account_balance b WHERE b.account_id = ANY (wanted) ORDER BY b.account_id FOR NO KEY UPDATE;
        RETURN true;
    END IF;
    SELECT count(*) INTO got FROM (
        SELECT FROM ledger.account_balance b WHERE b.account_id = ANY (wanted)
        ORDER BY b.account_id FOR NO KEY UPDATE SKIP LOCKED) t;
    RETURN got = COALESCE(cardinality(wanted), 0);
END
$$;
ALTER FUNCTION ledger.lock_accounts(bigint, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.lock_accounts(bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION ledger.lock_accounts(bigint, boolean) IS
    'Locks the balance rows of a payer in id order | 按账户编号顺序锁定付款方余额';

-- Sets aside up to p_wanted for a session, bonus first, and at least p_minimum or nothing. Never
-- raises for lack of money: done, short (nothing held), repeat (held before), none (an account that
-- keeps no balance). The caller holds the rows' locks, or waits for them here.
CREATE OR REPLACE FUNCTION ledger.place_hold(p_session uuid, p_account bigint, p_wanted bigint, p_minimum bigint,
    p_expires_at timestamptz, OUT status text, OUT held_minor bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    payer ledger.account;
    bonus bigint;
    bonus_free bigint := 0;
    payer_free bigint;
    bonus_part bigint;
    payer_part bigint;
BEGIN
    held_minor := 0;
    SELECT sum(h.amount_minor) INTO held_minor FROM ledger.hold h WHERE h.session_uid = p_session;
    IF held_minor IS NOT NULL THEN
        status := 'repeat';
        RETURN;
    END IF;
    held_minor := 0;
    SELECT * INTO payer FROM ledger.account a WHERE a.id = p_account;
    IF payer.id IS NULL OR NOT payer.keeps_balance THEN
        status := 'none';
        RETURN;
    END IF;
    PERFORM ledger.lock_accounts(p_account, true);
    IF payer.purpose = 'wallet' THEN
        SELECT a.id, GREATEST(b.posted - b.held - COALESCE(b.floor_minor, 0), 0) INTO bonus, bonus_free
        FROM ledger.account a JOIN ledger.account_balance b ON b.account_id = a.id
        WHERE a.customer_id = payer.customer_id AND a.currency = payer.currency AND a.purpose = 'bonus'
          AND a.closed_at IS NULL;
    END IF;
    SELECT CASE payer.purpose
               WHEN 'receivable' THEN COALESCE(b.ceiling_minor - b.posted - b.held, p_wanted)
               ELSE b.posted - b.held - COALESCE(b.floor_minor, 0) END
    INTO payer_free FROM ledger.account_balance b WHERE b.account_id = payer.id;
    bonus_part := LEAST(COALESCE(bonus_free, 0), p_wanted);
    payer_part := LEAST(GREATEST(payer_free, 0), p_wanted - bonus_part);
    IF payer.closed_at IS NOT NULL OR bonus_part + payer_part < GREATEST(p_minimum, 1) THEN
        status := 'short';
        RETURN;
    END IF;
    -- Conditional all the same: the write itself checks what was free a moment ago.
    UPDATE ledger.account_balance b SET held = b.held + payer_part
    WHERE b.account_id = payer.id AND payer_part > 0
      AND CASE payer.purpose
              WHEN 'receivable' THEN b.ceiling_minor IS NULL OR b.posted + b.held + payer_part <= b.ceiling_minor
              ELSE b.posted - b.held - payer_part >= COALESCE(b.floor_minor, 0) END;
    IF NOT FOUND AND payer_part > 0 THEN
        status := 'short';
        RETURN;
    END IF;
    UPDATE ledger.account_balance b SET held = b.held + bonus_part
    WHERE b.account_id = bonus AND bonus_part > 0 AND b.posted - b.held - bonus_part >= COALESCE(b.floor_minor, 0);
    INSERT INTO ledger.hold (session_uid, account_id, amount_minor, expires_at)
    SELECT p_session, v.account, v.part, p_expires_at
    FROM (VALUES (payer.id, payer_part), (bonus, bonus_part)) AS v(account, part) WHERE v.part > 0;
    status := 'done';
    held_minor := payer_part + bonus_part;
END
$$;
ALTER FUNCTION ledger.place_hold(uuid, bigint, bigint, bigint, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.place_hold(uuid, bigint, bigint, bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION ledger.place_hold(uuid, bigint, bigint, bigint, timestamptz) IS
    'Sets money aside for a session, bonus first | 为会话冻结资金，先赠金后余额';

-- Ends all active holds of a session; returns what they held. The caller holds the balance rows' locks
-- or waits for them here, in id order.
CREATE OR REPLACE FUNCTION ledger.release_holds(p_session uuid, p_state text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    h record;
    total bigint := 0;
BEGIN
    FOR h IN SELECT x.account_id FROM ledger.hold x
             WHERE x.session_uid = p_session AND x.state = 'active' ORDER BY x.account_id LOOP
        PERFORM FROM ledger.account_balance b WHERE b.account_id = h.account_id FOR NO KEY UPDATE;
        WITH ended AS (
            UPDATE ledger.hold x SET state = p_state, resolved_at = clock_timestamp()
            WHERE x.session_uid = p_session AND x.account_id = h.account_id AND x.state = 'active'
            RETURNING x.amount_minor),
        freed AS (
            UPDATE ledger.account_balance b SET held = b.held - e.amount_minor
            FROM ended e WHERE b.account_id = h.account_id RETURNING e.amount_minor)
        SELECT total + COALESCE(sum(f.amount_minor), 0) INTO total FROM freed f;
    END LOOP;
    RETURN total;
END
$$;
ALTER FUNCTION ledger.release_holds(uuid, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.release_holds(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION ledger.release_holds(uuid, text) IS
    'Ends the holds of a session | 解除会话的全部冻结';

-- What a new session on this account could still set aside, bonus included.
CREATE OR REPLACE FUNCTION ledger.free_minor(p_account bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    free bigint;
BEGIN
    SELECT sum(CASE a.purpose WHEN 'receivable' THEN COALESCE(b.ceiling_minor - b.posted - b.held, 1000000000000)
                              ELSE GREATEST(b.posted - b.held - COALESCE(b.floor_minor, 0), 0) END) INTO free
    FROM ledger.account p
    JOIN ledger.account a ON a.id = p.id
        OR p.purpose = 'wallet' AND a.customer_id = p.customer_id AND a.currency = p.currency AND a.purpose = 'bonus'
    JOIN ledger.account_balance b ON b.account_id = a.id
    WHERE p.id = p_account AND p.closed_at IS NULL;
    RETURN COALESCE(free, 0);
END
$$;
ALTER FUNCTION ledger.free_minor(bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.free_minor(bigint) FROM PUBLIC;
COMMENT ON FUNCTION ledger.free_minor(bigint) IS 'What a payer can still set aside | 付款方尚可冻结的金额';
