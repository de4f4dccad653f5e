-- Holds. Money is only set aside here; nothing is posted.

-- May the accounts be named in a row that is written now? The reference locks them for as long as that takes,
-- and would wait for somebody who holds one FOR UPDATE; here nobody is waited for.
CREATE OR REPLACE FUNCTION ledger.accounts_free(p_account bigint, p_further bigint)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rows integer;
BEGIN
    PERFORM FROM ledger.account a WHERE a.id IN (p_account, p_further) ORDER BY a.id FOR KEY SHARE SKIP LOCKED;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN rows = 1 + (p_further IS NOT NULL)::integer;
END
$$;
ALTER FUNCTION ledger.accounts_free(bigint, bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.accounts_free(bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION ledger.accounts_free(bigint, bigint) IS
    'Whether a row that names these accounts can be written without waiting | 引用这些账户的记录能否无需等待即可写入';

-- Takes the balance rows that a session on this account draws on, in the order of their ids, and
-- tells what is free in them. With p_wait false nobody is waited for: got false means that somebody
-- else has one, and the caller has written nothing yet.
CREATE OR REPLACE FUNCTION ledger.payer_lock(p_account bigint, p_wait boolean,
    OUT got boolean, OUT account_id bigint, OUT currency text, OUT closed_at timestamptz, OUT max_sessions integer,
    OUT purpose text, OUT free_minor bigint, OUT bonus_account_id bigint, OUT bonus_free_minor bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    customer bigint;
    keeps boolean;
    balance record;
    rows integer := 0;
BEGIN
    SELECT a.id, a.currency, a.closed_at, a.max_sessions, a.purpose, a.customer_id, a.keeps_balance
    INTO account_id, currency, closed_at, max_sessions, purpose, customer, keeps
    FROM ledger.account a WHERE a.id = p_account;
    free_minor := 0;
    bonus_free_minor := 0;
    IF purpose = 'wallet' THEN
        SELECT a.id INTO bonus_account_id FROM ledger.account a
        WHERE a.customer_id = customer AND a.currency = payer_lock.currency AND a.purpose = 'bonus' AND a.closed_at IS NULL;
    END IF;
    got := p_wait OR ledger.accounts_free(p_account, bonus_account_id);
    IF keeps IS NOT TRUE OR NOT got THEN
        RETURN;
    END IF;
    IF p_wait THEN
        PERFORM FROM ledger.account_balance b WHERE b.account_id IN (p_account, bonus_account_id)
        ORDER BY b.account_id FOR NO KEY UPDATE;
    END IF;
    FOR balance IN SELECT b.* FROM ledger.account_balance b WHERE b.account_id IN (p_account, bonus_account_id)
                   ORDER BY b.account_id FOR NO KEY UPDATE SKIP LOCKED LOOP
        rows := rows + 1;
        IF balance.account_id = bonus_account_id THEN
            bonus_free_minor := GREATEST(balance.posted - balance.held - COALESCE(balance.floor_minor, 0), 0);
        ELSIF purpose = 'receivable' THEN
            free_minor := GREATEST(COALESCE(balance.ceiling_minor - balance.posted - balance.held, 1000000000000), 0);
        ELSE
            free_minor := GREATEST(balance.posted - balance.held - COALESCE(balance.floor_minor, 0), 0);
        END IF;
    END LOOP;
    got := rows = 1 + (bonus_account_id IS NOT NULL)::integer;
END
$$;
ALTER FUNCTION ledger.payer_lock(bigint, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.payer_lock(bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION ledger.payer_lock(bigint, boolean) IS
    'Locks a payer''s balance rows in id order and tells what is free | 按账户编号顺序锁定付款方余额并返回可用额';

-- The same for settlement, which may need the arrears too; it waits.
CREATE OR REPLACE FUNCTION ledger.lock_accounts(p_account bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM ledger.account_balance b
    WHERE b.account_id = ANY (ARRAY(
        SELECT p_account
        UNION SELECT x.id FROM ledger.account a JOIN ledger.account x
            ON x.customer_id = a.customer_id AND x.currency = a.currency AND x.purpose IN ('bonus', 'arrears')
        WHERE a.id = p_account AND a.purpose = 'wallet'))
    ORDER BY b.account_id FOR NO KEY UPDATE;
END
$$;
ALTER FUNCTION ledger.lock_accounts(bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.lock_accounts(bigint) FROM PUBLIC;
COMMENT ON FUNCTION ledger.lock_accounts(bigint) IS
    'Locks all balance rows of a payer in id order | 按账户编号顺序锁定付款方全部余额';

-- The same for whoever takes back what a session has held and paid.
CREATE OR REPLACE FUNCTION ledger.lock_session(p_session uuid)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM ledger.account_balance b
    WHERE b.account_id = ANY (ARRAY(
        SELECT h.account_id FROM ledger.hold h WHERE h.session_uid = p_session AND h.state = 'active'
        UNION SELECT t.account_id FROM ledger.settlement t WHERE t.session_uid = p_session AND t.state = 'posted'
        UNION SELECT e.account_id FROM ledger.settlement t JOIN ledger.entry e ON e.journal_id = t.journal_id
        WHERE t.session_uid = p_session AND t.state = 'posted'))
    ORDER BY b.account_id FOR NO KEY UPDATE;
END
$$;
ALTER FUNCTION ledger.lock_session(uuid) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.lock_session(uuid) FROM PUBLIC;
COMMENT ON FUNCTION ledger.lock_session(uuid) IS
    'Locks all balance rows that a session has money in, in id order | 按账户编号顺序锁定会话涉及的全部余额';

-- Sets aside up to p_wanted for a session, bonus first, and at least p_minimum or nothing. Never
-- raises for lack of money: done, short (nothing held), repeat (held before), none (an account that
-- keeps no balance). Waits for the balance rows unless the caller has them.
CREATE OR REPLACE FUNCTION ledger.place_hold(p_session uuid, p_account bigint, p_wanted bigint, p_minimum bigint,
    p_expires_at timestamptz, OUT status text, OUT held_minor bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    payer record;
BEGIN
    SELECT sum(h.amount_minor) INTO held_minor FROM ledger.hold h WHERE h.session_uid = p_session;
    IF held_minor IS NOT NULL THEN
        status := 'repeat';
        RETURN;
    END IF;
    SELECT * INTO payer FROM ledger.payer_lock(p_account, true);
    status := CASE
        WHEN payer.purpose IS NULL OR payer.purpose NOT IN ('wallet', 'receivable') THEN 'none'
        WHEN payer.closed_at IS NOT NULL OR payer.free_minor + payer.bonus_free_minor < GREATEST(p_minimum, 1) THEN 'short'
        ELSE 'done' END;
    held_minor := 0;
    IF status = 'done' THEN
        held_minor := ledger.hold_write(p_session, payer.bonus_account_id, LEAST(payer.bonus_free_minor, p_wanted), p_expires_at)
            + ledger.hold_write(p_session, p_account,
                LEAST(payer.free_minor, p_wanted - LEAST(payer.bonus_free_minor, p_wanted)), p_expires_at);
        IF held_minor < GREATEST(LEAST(p_minimum, p_wanted), 1) THEN
            RAISE EXCEPTION 'the hold of session % fell short under lock', p_session USING ERRCODE = '23514';
        END IF;
    END IF;
END
$$;
ALTER FUNCTION ledger.place_hold(uuid, bigint, bigint, bigint, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.place_hold(uuid, bigint, bigint, bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION ledger.place_hold(uuid, bigint, bigint, bigint, timestamptz) IS
    'Sets money aside for a session, bonus first | 为会话冻结资金，先赠金后余额';

-- One hold on one account, whose row the caller has. Conditional all the same: the write itself checks
-- what was free. Returns what is held, 0 if it was not there.
CREATE OR REPLACE FUNCTION ledger.hold_write(p_session uuid, p_account bigint, p_amount bigint, p_expires_at timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_account IS NULL OR p_amount <= 0 THEN
        RETURN 0;
    END IF;
    UPDATE ledger.account_balance b SET held = b.held + p_amount
    WHERE b.account_id = p_account
      AND (b.floor_minor IS NULL OR b.posted - b.held - p_amount >= b.floor_minor)
      AND (b.ceiling_minor IS NULL OR b.posted + b.held + p_amount <= b.ceiling_minor);
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    INSERT INTO ledger.hold (session_uid, account_id, amount_minor, expires_at)
    VALUES (p_session, p_account, p_amount, p_expires_at);
    RETURN p_amount;
END
$$;
ALTER FUNCTION ledger.hold_write(uuid, bigint, bigint, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.hold_write(uuid, bigint, bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION ledger.hold_write(uuid, bigint, bigint, timestamptz) IS
    'Writes one hold if the money is there | 余额足够时写入一笔冻结';

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
