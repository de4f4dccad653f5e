-- Books a payment into a customer's account: arrears first, the rest to the wallet, a bonus beside it. The
-- channel's own number is the key: the same again is answered as the first time, with other content it is
-- refused.
CREATE OR REPLACE FUNCTION operation.top_up(amount numeric, currency text, channel text, external_no text,
    customer text DEFAULT NULL, account text DEFAULT NULL, bonus numeric DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target ledger.account;
    amount_minor bigint;
    bonus_minor bigint;
    booked record;
BEGIN
    target := api.find_top_up_account(customer, account, currency);
    PERFORM api.require_text(channel, 'channel', 32);
    PERFORM api.require_text(external_no, 'external_no', 128);
    amount_minor := api.minor_amount(amount, currency, 'amount');
    bonus_minor := api.minor_amount(coalesce(bonus, 0), currency, 'bonus', true);
    IF bonus_minor > 0 AND target.purpose <> 'wallet' THEN
        PERFORM api.refuse('bonus-prepaid', 'bonus');
    END IF;
    SELECT * INTO booked FROM ledger.top_up(channel, external_no, target.id, amount_minor, bonus_minor, core.actor());
    IF booked.outcome = 'conflict' THEN
        PERFORM api.refuse('repeat-changed', 'external_no', format('%s %s', channel, external_no));
    END IF;
    IF booked.outcome = 'done' THEN
        PERFORM api.audit('TopUp', target.site_id, target.code, NULL, jsonb_build_object('channel', channel,
            'external_no', external_no, 'amount_minor', amount_minor, 'bonus_minor', bonus_minor,
            'currency', currency, 'journal', booked.journal));
    END IF;
    RETURN api.top_up_answer(booked.journal, target.id)
           || jsonb_build_object('channel', channel, 'externalNo', external_no, 'repeated', booked.outcome = 'repeat');
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION operation.top_up(numeric, text, text, text, text, text, numeric) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION operation.top_up(numeric, text, text, text, text, text, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION operation.top_up(numeric, text, text, text, text, text, numeric)
    TO joulebook_cashier, joulebook_admin;
COMMENT ON FUNCTION operation.top_up(numeric, text, text, text, text, text, numeric) IS
    'Tops up a customer''s account; the channel''s number makes it happen once. | 为客户账户充值；渠道流水号保证只入账一次。';
