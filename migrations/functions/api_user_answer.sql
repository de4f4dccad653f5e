-- What register_user answers: the customer's code and its accounts, the one that pays first.
CREATE OR REPLACE FUNCTION api.user_answer(customer bigint, payer bigint, repeated boolean)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'customer', (SELECT u.code FROM core.customer u WHERE u.id = user_answer.customer),
        'account', (SELECT a.code FROM ledger.account a WHERE a.id = payer),
        'accounts', (SELECT jsonb_agg(a.code ORDER BY a.id <> payer, a.code) FROM ledger.account a
                     WHERE a.customer_id = user_answer.customer),
        'repeated', repeated)
$$;
ALTER FUNCTION api.user_answer(bigint, bigint, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.user_answer(bigint, bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION api.user_answer(bigint, bigint, boolean) IS
    'The answer of register_user. | register_user 的应答。';
