-- Opening accounts. The code says what an account is; opening it twice gives the same one.
CREATE OR REPLACE FUNCTION ledger.open_account(p_purpose text, p_name text, p_currency text,
    p_customer bigint DEFAULT NULL, p_site bigint DEFAULT NULL, p_fleet bigint DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text := CASE
        WHEN p_purpose IN ('arrears', 'receivable', 'psp', 'cash', 'bank', 'suspense', 'subsidy') THEN 'asset'
        WHEN p_purpose IN ('wallet', 'bonus', 'partner', 'vat', 'grid_payable') THEN 'liability'
        WHEN p_purpose IN ('revenue', 'rounding') THEN 'income'
        WHEN p_purpose IN ('promo', 'writeoff', 'v2g_cost', 'grid_cost') THEN 'expense' END;
    account_code text := CASE p_purpose WHEN 'vat' THEN 'vat.out' ELSE p_purpose END || ':' || p_name || ':' || p_currency;
    account bigint;
BEGIN
    SELECT a.id INTO account FROM ledger.account a WHERE a.code = account_code;
    IF account IS NULL THEN
        INSERT INTO ledger.account (code, purpose, class, normal, currency, customer_id, site_id, fleet_id, max_sessions)
        VALUES (account_code, p_purpose, kind, CASE WHEN kind IN ('asset', 'expense') THEN 'D' ELSE 'C' END,
                p_currency, p_customer, p_site, p_fleet, CASE p_purpose WHEN 'wallet' THEN 1 END)
        ON CONFLICT (code) DO NOTHING RETURNING id INTO account;
        IF account IS NULL THEN
            SELECT a.id INTO account FROM ledger.account a WHERE a.code = account_code;
        END IF;
    END IF;
    RETURN account;
END
$$;
ALTER FUNCTION ledger.open_account(text, text, text, bigint, bigint, bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.open_account(text, text, text, bigint, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION ledger.open_account(text, text, text, bigint, bigint, bigint) IS
    'Opens an account, or gives the one that exists | 开立账户；已存在则返回原账户';

-- The accounts of a customer: prepaid has wallet, bonus and arrears and returns the wallet; postpaid
-- has a receivable whose ceiling bounds new holds and returns that.
CREATE OR REPLACE FUNCTION ledger.open_customer_accounts(p_customer bigint, p_currency text,
    p_postpaid boolean DEFAULT false, p_ceiling_minor bigint DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    site bigint;
    account bigint;
BEGIN
    SELECT c.code, c.home_site_id INTO name, site FROM core.customer c WHERE c.id = p_customer;
    IF name IS NULL THEN
        RAISE EXCEPTION 'no such customer' USING ERRCODE = '23503', DETAIL = 'customer';
    END IF;
    IF p_postpaid THEN
        account := ledger.open_account('receivable', name, p_currency, p_customer, site);
        UPDATE ledger.account_balance b SET ceiling_minor = p_ceiling_minor
        WHERE b.account_id = account AND b.ceiling_minor IS DISTINCT FROM p_ceiling_minor;
        RETURN account;
    END IF;
    PERFORM ledger.open_account('bonus', name, p_currency, p_customer, site);
    PERFORM ledger.open_account('arrears', name, p_currency, p_customer, site);
    RETURN ledger.open_account('wallet', name, p_currency, p_customer, site);
END
$$;
ALTER FUNCTION ledger.open_customer_accounts(bigint, text, boolean, bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.open_customer_accounts(bigint, text, boolean, bigint) FROM PUBLIC;
COMMENT ON FUNCTION ledger.open_customer_accounts(bigint, text, boolean, bigint) IS
    'Opens a customer''s accounts and gives the one that pays | 开立客户账户，返回付款账户';

-- The bonus or arrears account beside a wallet, opened if it is not there yet.
CREATE OR REPLACE FUNCTION ledger.customer_account(p_wallet ledger.account, p_purpose text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account bigint;
BEGIN
    SELECT a.id INTO account FROM ledger.account a
    WHERE a.customer_id = p_wallet.customer_id AND a.currency = p_wallet.currency AND a.purpose = p_purpose;
    RETURN COALESCE(account, ledger.open_account(p_purpose,
        (SELECT c.code FROM core.customer c WHERE c.id = p_wallet.customer_id),
        p_wallet.currency, p_wallet.customer_id, p_wallet.site_id));
END
$$;
ALTER FUNCTION ledger.customer_account(ledger.account, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.customer_account(ledger.account, text) FROM PUBLIC;
COMMENT ON FUNCTION ledger.customer_account(ledger.account, text) IS
    'The account of a purpose beside a wallet | 钱包对应的某用途账户';
