-- The account of a customer that a card or a top-up means: the one named, else its only wallet or receivable
-- (in the currency, if one is given).
CREATE OR REPLACE FUNCTION api.find_payer(customer bigint, account text, currency text DEFAULT NULL)
RETURNS ledger.account
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found ledger.account;
    choices integer;
BEGIN
    SELECT count(*) INTO choices FROM ledger.account a
    WHERE a.customer_id = find_payer.customer AND a.purpose IN ('wallet', 'receivable') AND a.closed_at IS NULL
      AND (find_payer.account IS NULL OR a.code = find_payer.account)
      AND (find_payer.currency IS NULL OR a.currency = find_payer.currency);
    IF choices = 0 THEN
        PERFORM api.refuse('account-unknown', 'account', coalesce(find_payer.account, find_payer.currency, ''));
    ELSIF choices > 1 THEN
        PERFORM api.refuse('account-several', 'account');
    END IF;
    SELECT * INTO found FROM ledger.account a
    WHERE a.customer_id = find_payer.customer AND a.purpose IN ('wallet', 'receivable') AND a.closed_at IS NULL
      AND (find_payer.account IS NULL OR a.code = find_payer.account)
      AND (find_payer.currency IS NULL OR a.currency = find_payer.currency);
    RETURN found;
END
$$;
ALTER FUNCTION api.find_payer(bigint, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.find_payer(bigint, text, text) FROM PUBLIC;
COMMENT ON FUNCTION api.find_payer(bigint, text, text) IS
    'The account of a customer that pays. | 客户的付款账户。';
