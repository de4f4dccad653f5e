-- The account that a top-up goes to, named by its code or by its customer's, in the currency of the payment.
CREATE OR REPLACE FUNCTION api.find_top_up_account(customer text, account text, currency text)
RETURNS ledger.account
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    holder text := customer;
    found ledger.account;
BEGIN
    PERFORM core.actor();
    IF customer IS NULL THEN
        IF account IS NULL THEN
            PERFORM api.refuse('member-missing', 'customer', 'customer');
        END IF;
        SELECT u.code INTO holder FROM ledger.account a JOIN core.customer u ON u.id = a.customer_id
        WHERE a.code = find_top_up_account.account
          AND (u.home_site_id IN (SELECT core.visible_sites()) OR u.home_site_id IS NULL AND core.sees_all());
        IF holder IS NULL THEN
            PERFORM api.refuse('account-unknown', 'account', account);
        END IF;
    END IF;
    found := api.find_payer((api.find_customer(holder)).id, account, CASE WHEN account IS NULL THEN currency END);
    IF currency IS DISTINCT FROM found.currency THEN
        PERFORM api.refuse('currency-differs', 'currency', coalesce(currency, ''));
    END IF;
    RETURN found;
END
$$;
ALTER FUNCTION api.find_top_up_account(text, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.find_top_up_account(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION api.find_top_up_account(text, text, text) IS
    'The account that a top-up goes to. | 充值的目标账户。';
