-- Registers a customer and opens its accounts: prepaid a wallet, a bonus and an arrears account, postpaid
-- a receivable with a ceiling. Name, phone, e-mail and address stand apart and appear in no view.
CREATE OR REPLACE FUNCTION management.register_user(customer text, currency text, site text DEFAULT NULL,
    name text DEFAULT NULL, kind text DEFAULT 'person', payment text DEFAULT 'prepaid', ceiling numeric DEFAULT NULL,
    language text DEFAULT 'en', phone text DEFAULT NULL, email text DEFAULT NULL, address text DEFAULT NULL,
    tax_number text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    home bigint;
    ceiling_minor bigint;
    person core.customer_person;
    id bigint;
    payer bigint;
BEGIN
    IF site IS NULL THEN
        PERFORM core.require_site(NULL);
    ELSE
        home := (api.find_site(site)).id;
    END IF;
    PERFORM api.require_text(customer, 'customer', 64);
    PERFORM api.require_value(kind, 'kind', 'person', 'company', 'public_body');
    PERFORM api.require_value(payment, 'payment', 'prepaid', 'postpaid');
    PERFORM api.require_text(name, 'name', 200, false);
    PERFORM api.require_text(phone, 'phone', 40, false);
    PERFORM api.require_text(email, 'email', 254, false);
    PERFORM api.require_text(address, 'address', 300, false);
    PERFORM api.require_text(tax_number, 'tax_number', 40, false);
    IF language IS NULL OR language !~ '^[a-z]{2}(-[A-Za-z]{2,4})?$' THEN
        PERFORM api.refuse('member-text', 'language', 'language');
    END IF;
    IF (payment = 'postpaid') <> (ceiling IS NOT NULL) THEN
        PERFORM api.refuse('ceiling-postpaid', 'ceiling');
    END IF;
    ceiling_minor := api.minor_amount(coalesce(ceiling, 1), currency, 'ceiling');
    IF ceiling IS NULL THEN
        ceiling_minor := NULL;
    END IF;
    INSERT INTO core.customer AS u (code, kind, language, home_site_id)
    VALUES (customer, register_user.kind, register_user.language, home)
    ON CONFLICT (code) DO NOTHING RETURNING u.id INTO id;
    IF id IS NULL THEN
        RETURN api.user_repeat(customer, currency, home, payment, ceiling_minor,
            jsonb_build_object('kind', kind, 'language', language, 'name', name, 'phone', phone, 'email', email,
                               'address', address, 'tax_number', tax_number));
    END IF;
    INSERT INTO core.customer_person VALUES (id, name, phone, email, address, tax_number);
    payer := ledger.open_customer_accounts(id, currency, payment = 'postpaid', ceiling_minor);
    PERFORM api.audit('RegisterUser', home, customer, NULL, jsonb_build_object('kind', kind, 'language', language,
        'currency', currency, 'payment', payment, 'ceiling_minor', ceiling_minor));
    RETURN api.user_answer(id, payer, false);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.register_user(text, text, text, text, text, text, numeric, text, text, text, text,
    text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.register_user(text, text, text, text, text, text, numeric, text, text, text, text,
    text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.register_user(text, text, text, text, text, text, numeric, text, text, text, text,
    text)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.register_user(text, text, text, text, text, text, numeric, text, text, text, text,
    text) IS
    'Registers a customer and opens its accounts. | 登记客户并开立账户。';
