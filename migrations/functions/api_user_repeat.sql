-- A customer registered again: with the same data it is the same customer, with others a conflict. A
-- customer that the caller may not see is a conflict too, told in the same words.
CREATE OR REPLACE FUNCTION api.user_repeat(code text, currency text, home bigint, payment text, ceiling_minor bigint,
    asked jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known jsonb;
    customer bigint;
    payer bigint;
BEGIN
    SELECT u.id, to_jsonb(u) || coalesce(to_jsonb(p), '{}') INTO customer, known
    FROM core.customer u LEFT JOIN core.customer_person p ON p.customer_id = u.id WHERE u.code = user_repeat.code;
    SELECT a.id INTO payer FROM ledger.account a JOIN ledger.account_balance b ON b.account_id = a.id
    WHERE a.customer_id = customer AND a.currency = user_repeat.currency
      AND a.purpose = CASE payment WHEN 'postpaid' THEN 'receivable' ELSE 'wallet' END
      AND (payment = 'prepaid' OR b.ceiling_minor = user_repeat.ceiling_minor);
    IF payer IS NULL OR NOT known @> asked OR (known ->> 'home_site_id')::bigint IS DISTINCT FROM home THEN
        PERFORM api.refuse('registered-otherwise', 'customer', code);
    END IF;
    RETURN api.user_answer(customer, payer, true);
END
$$;
ALTER FUNCTION api.user_repeat(text, text, bigint, text, bigint, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.user_repeat(text, text, bigint, text, bigint, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.user_repeat(text, text, bigint, text, bigint, jsonb) IS
    'A customer registered again. | 重复登记客户。';
